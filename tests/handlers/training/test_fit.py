"""Memory and time, told before they are spent."""

from __future__ import annotations

import gc
import random
from dataclasses import dataclass
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx.utils import tree_flatten
from mlx_lm.models import olmo2

from config.settings import FineTuning, Mlx, Training
from handlers.training import stage
from handlers.training.adapters import attach, trainable
from handlers.training.encode import Row
from handlers.training.fit import Fit, estimate, refuse_what_does_not_fit
from handlers.training.loop import Loop
from handlers.training.optimizer import GuardedAdamW
from handlers.training.parameters import layout_of, parameters_of
from handlers.training.records import Parameters
from tests.handlers.training.conftest import Settled
from watcher.errors import Unavailable
from watcher.execute import execute
from watcher.workspace import Workspace


def model_of(hidden: int, layers: int, vocabulary: int) -> olmo2.Model:
    shape = {
        "model_type": "olmo2",
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "intermediate_size": 2 * hidden,
        "num_attention_heads": max(2, hidden // 64),
        "rms_norm_eps": 1e-6,
        "vocab_size": vocabulary,
        "tie_word_embeddings": False,
    }
    mx.random.seed(0)
    model = olmo2.Model(olmo2.ModelArgs.from_dict(shape))
    mx.eval(model.parameters())
    return model


def rows_of(count: int, longest: int) -> list[Row]:
    drawn = random.Random(1)
    lengths = [drawn.randint(longest // 3, longest) for _ in range(count)]
    return [Row(number=n, tokens=tuple(range(1, length + 1)), start=length // 2) for n, length in enumerate(lengths, 1)]


@dataclass(frozen=True)
class Case:
    model: tuple[int, int, int]  # as `model_of` takes it
    size: int
    longest: int
    packing: bool = True
    method: str = "lora"
    checkpointing: bool = False


CASES = [
    Case((64, 2, 1024), 4, 150),
    Case((64, 2, 1024), 4, 300, packing=False),
    Case((64, 3, 1024), 4, 150, checkpointing=True),
    Case((128, 2, 512), 2, 200),
    Case((64, 2, 8192), 2, 150),
    Case((64, 2, 1024), 3, 150, packing=False, method="full"),
    Case((96, 2, 512), 1, 300, packing=False, method="dora"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_estimate_is_near_the_measured_peak(case: Case, tmp_path: Path) -> None:
    """How near is of the machine and what else it does: MLX frees what a thread of its own is through with."""
    told, tried, peak = estimated_and_measured(case, tmp_path)
    assert peak / 1.6 < tried < 1.6 * peak
    assert peak / 2.5 < told < 2.5 * peak


@pytest.mark.soak
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_estimate_is_within_a_fifth_of_the_measured_peak(case: Case, tmp_path: Path) -> None:
    told, tried, peak = estimated_and_measured(case, tmp_path)
    print(f"{case}: {peak / 1e6:.1f} MB; by its own batch {tried / peak:.2f} ×, by small ones {told / peak:.2f} ×")
    assert tried == pytest.approx(peak, rel=0.2)
    assert told == pytest.approx(peak, rel=0.3)


def estimated_and_measured(case: Case, scratch: Path) -> tuple[int, int, int]:
    """Bytes at the peak: by small trials alone (where the device has no room for more), by its own batch, in truth."""
    mx.disable_compile()
    settings = FineTuning(
        training=Training(method=case.method, batch_size=case.size, packing=case.packing, max_epochs=1),  # type: ignore[arg-type]
        mlx=Mlx(gradient_checkpointing=case.checkpointing),
    )
    made, rows = model_of(*case.model), rows_of(2 * case.size, case.longest)
    layers, modules = attach(made, settings.training)
    used = parameters_of(settings, len(rows), layers, modules, case.packing, "float32")
    layout = layout_of(settings.training, case.packing)
    before = {name: np.array(each) for name, each in trainable(made).items()}
    gc.collect()  # what earlier tests left in memory is not this training's
    told = estimate(made, rows, layout, used, 1)
    tried = estimate(made, rows, layout, used, 1 << 40)
    assert all((np.array(each) == before[name]).all() for name, each in trainable(made).items())
    gc.collect()
    mx.clear_cache()
    mx.reset_peak_memory()
    loop = Loop(made, GuardedAdamW(used.schedule, used.clip_norm), rows, layout)
    loop.run(0, used.schedule.updates, lambda *_: True, scratch=scratch, checkpointing=case.checkpointing)
    assert min(tried.seconds, told.seconds) > 0
    return told.memory, tried.memory, mx.get_peak_memory()


def used_of(**training: object) -> Parameters:
    settings = FineTuning(training=Training(**training), mlx=Mlx(gradient_checkpointing=False))  # type: ignore[arg-type]
    return parameters_of(settings, 100, 2, (), False, "float32")


def test_packed_weights_are_counted_one_by_one() -> None:
    """A word of a quantised base holds eight weights of 4 bits; what is trained is not part of the base."""
    rows, told = rows_of(4, 64), []
    for bits in (None, 4):
        model = model_of(64, 1, 128)
        whole = sum(each.size for _, each in tree_flatten(model.parameters()))
        if bits is not None:
            nn.quantize(model, 64, bits)
        layers, modules = attach(model, Training())
        settings = FineTuning(training=Training(), mlx=Mlx(gradient_checkpointing=False))
        used = parameters_of(settings, len(rows), layers, modules, True, "float32")
        told.append(estimate(model, rows, layout_of(settings.training, True), used, 10**9))
        assert told[-1].parameters == whole
    assert told[0].trainable == told[1].trainable


def test_what_does_not_fit_is_refused_with_what_would() -> None:
    fit = Fit(parameters=1, trainable=1, memory=20_000_000_000, seconds=60, limit=16_000_000_000, longest=96)
    with pytest.raises(Unavailable, match=r"20.00 GB, more than the 16.00 GB that this device has") as refused:
        refuse_what_does_not_fit(fit, used_of(batch_size=4), FineTuning())
    assert "batch_size: 2 with gradient_accumulation: 2" in refused.value.hint
    assert "gradient_checkpointing: true" in refused.value.hint
    assert "max_seq_length: 48" in refused.value.hint, "a window wider than the rows would change nothing"
    with pytest.raises(Unavailable, match=r"16.00 GB that fine_tuning.max_memory_gb leaves it"):
        refuse_what_does_not_fit(fit, used_of(), FineTuning(max_memory_gb=16))
    refuse_what_does_not_fit(Fit(1, 1, 1, 60, 2, 96), used_of(), FineTuning())


def test_what_takes_too_long_is_refused_with_how_many_updates_would_do() -> None:
    used = used_of(batch_size=4, max_epochs=4)
    with pytest.raises(Unavailable, match=r"4.0 hours, more than max_hours \(2\)") as refused:
        refuse_what_does_not_fit(Fit(1, 1, 1, 4 * 3600, 2, 96), used, FineTuning(max_hours=2))
    assert "max_updates: 50" in refused.value.hint


def test_a_training_says_its_estimate_and_refuses_before_the_first_update(
    tmp_path: Path, dataset: Path, settled: Settled
) -> None:
    said: list[str] = []
    settings = settled(max_epochs=1)
    small = settings.model_copy(
        update={"fine_tuning": settings.fine_tuning.model_copy(update={"max_memory_gb": 0.001})}
    )
    with pytest.raises(Unavailable, match="needs about"):
        execute(Workspace(tmp_path), stage(small, tmp_path), [dataset], say=said.append)
    assert any("estimated: 0.0" in line for line in said)
    assert not any("update 1" in line for line in said)
