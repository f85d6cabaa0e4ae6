"""Adapters and records of trainings for tests of what comes after a training."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from handlers.evaluation.record import Evaluation, Evaluations, RowLoss, summarise
from handlers.evaluation.verdict import compare
from handlers.models.base import Base, content_revision
from handlers.models.metadata import Clock, Losses, Metadata, Versions
from handlers.training.records import DatasetFacts, Method, Parameters, Schedule, Trained

if TYPE_CHECKING:
    from handlers.models.finish import Result

CLOCK = Clock(started="2026-01-02T03:04:05Z", finished="2026-01-02T03:05:05Z", seconds=60.0, peak_memory=1)


SCHEDULE = Schedule(learning_rate=1e-3, updates=6, per_epoch=2, warmup=0, eval_every=2, save_every=6)
PARAMETERS = Parameters(
    method="lora", rank=4, alpha=8.0, dropout=0.0, layers=2, modules=(), batch_size=4, accumulation=1, epochs=3,
    schedule=SCHEDULE, max_seq_length=256, packing=False, clip_norm=1.0, patience=0, seed=42,
    gradient_checkpointing=False, dtype="float32",
)  # fmt: skip
DATASET = DatasetFacts(
    digest="d" * 64, train=8, valid=2, train_tokens=800, train_completion_tokens=400, valid_completion_tokens=20
)


def make_adapter(base: Path, folder: Path, method: str = "lora", size: float = 0.05) -> Path:
    """An adapter as mlx-lm saves it, with weights drawn at random that change every layer."""
    import mlx.core as mx
    import mlx_lm
    from mlx.utils import tree_flatten
    from mlx_lm.tuner.utils import linear_to_lora_layers

    model, _ = mlx_lm.load(str(base))
    model.freeze()
    parameters = {"rank": 4, "scale": 2.0, "dropout": 0.0}
    mx.random.seed(3)
    linear_to_lora_layers(model, 2, parameters, use_dora=method == "dora")
    weights = dict(tree_flatten(model.trainable_parameters()))
    moved = {name: each + size * mx.random.normal(each.shape) for name, each in weights.items()}
    folder.mkdir(parents=True)
    mx.save_safetensors(str(folder / "adapters.safetensors"), moved)
    config = {"fine_tune_type": method, "num_layers": 2, "lora_parameters": parameters}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


def evaluation(loss: float) -> Evaluation:
    return summarise([RowLoss(number=number, loss=10 * loss, tokens=10) for number in (1, 2)])


def losses(before: float, after: float, *, tested: bool = False) -> Evaluations:
    """Of a training; on the frozen side, if there is one, both are 0.5 higher."""
    base, tuned = evaluation(before), evaluation(after)
    test = compare(evaluation(before + 0.5), evaluation(after + 0.5)) if tested else None
    return Evaluations(base=base, tuned=tuned, difference=compare(base, tuned).difference, test=test)


def result(
    base: Path,
    adapter: Path,
    *,
    key: str = "a" * 64,
    embedded: bool = True,
    method: Method = "lora",
    tested: bool = False,
) -> Result:
    from handlers.models.finish import Result

    revision = content_revision(base)
    used = msgspec.structs.replace(PARAMETERS, method=method)
    trained = Trained(
        key=key, base=base.name, base_revision=revision, embedded=embedded, dataset=DATASET, parameters=used,
        updates=6, best_update=6, completion_tokens=1200, trainable=1000, train_losses=(), valid_losses=(),
        mlx="0.0", mlx_lm="0.0",
    )  # fmt: skip
    return Result(
        trained=trained,
        clock=CLOCK,
        base=Base(name=base.name, path=base, revision=revision, embedded=embedded),
        adapter=adapter,
        losses=losses(2.0, 1.25, tested=tested),
    )


def metadata(name: str, before: float = 2.0, after: float = 1.25) -> Metadata:
    """Of a model that was never trained: what lists and pointers read."""
    return Metadata(
        name=name, job="a" * 64, base_model="tiny", base_model_commit=None, base_folder="tiny", base_revision="r" * 64,
        embedded=True, dataset_name="demo-dataset", dataset_digest=DATASET.digest, dataset=DATASET,
        parameters=PARAMETERS, updates=6, best_update=6, trainable_parameters=1000,
        before=Losses(loss=before, perplexity=math.exp(before)), after=Losses(loss=after, perplexity=math.exp(after)),
        valid_tokens=20, weights=hashlib.sha256(name.encode()).hexdigest(),
        versions=Versions(scantune="0", mlx="0", mlx_lm="0"), clock=CLOCK,
    )  # fmt: skip
