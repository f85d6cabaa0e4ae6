"""Training beside `mlx_lm.lora`: completion tokens a second, and the validation loss after the same rows.

    python benchmarks/training.py [--rows 160] [--valid 40] [--epochs 2] [--seeds 3] [--rate 1e-3]

Both train the embedded tiny model in float32 with LoRA of rank 8 on rows made of the bundled sample reports, with one
learning rate. Three ways, each in a process of its own, one after the other for each seed:

    mlx_lm.lora   its own `train_model`: batches of 4 rows, padded
    same rows     ours, 4 rows an update, packed
    same slots    ours, so many rows an update that a batch has as many token slots as one of mlx_lm.lora's

Speeds are over updates alone, without start and evaluations, by the clock and by the processor's time (on a machine
that does other things, the second is the fairer one). Prints every figure, the ratios over all seeds, and what scantune
adds to mlx-lm's own updates: checkpoints, progress, books, rows made into batches; not start and evaluations.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

BATCH = 4
RANK, SCALE = 8, 20.0
WINDOW = 1024
WAYS = ("mlx_lm.lora", "same rows", "same slots")


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one training."""

    completion_tokens: int
    slots: float  # tokens of a batch, padding included, on average
    seconds: float
    processor: float  # seconds
    around: float  # seconds between updates, without evaluations
    before: float  # validation loss
    after: float


@dataclass(frozen=True, slots=True)
class Run:
    """What one training is told."""

    seed: int
    size: int  # rows an update
    epochs: int
    rate: float
    folder: Path  # with base/, train.jsonl, valid.jsonl


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=160)
    parser.add_argument("--valid", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=1e-3, help="the learning rate of both")
    parser.add_argument("--one", nargs=4, metavar=("WAY", "SEED", "SIZE", "DIR"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        way, seed, size, folder = args.one
        run = Run(int(seed), int(size), args.epochs, args.rate, Path(folder))
        print(json.dumps(asdict(measure(way, run))))
        return
    folder = Path(tempfile.mkdtemp(prefix="scantune-bench-"))
    try:
        compare(folder, args)
    finally:
        shutil.rmtree(folder)


def compare(folder: Path, args: argparse.Namespace) -> None:
    make_base(folder / "base")
    make_rows(folder, args.rows, args.valid)
    found: dict[str, list[Figures]] = {way: [] for way in WAYS}
    one("mlx_lm.lora", Run(0, BATCH, 1, args.rate, folder))  # fills the cache of compiled kernels
    for seed in range(args.seeds):
        for way in WAYS:
            size = BATCH
            if way == "same slots":
                size = round(BATCH * found["mlx_lm.lora"][0].slots / found["same rows"][0].slots)
            run = Run(seed, size, args.epochs, args.rate, folder)
            found[way].append(one(way, run))
            report(way, run, found[way][-1])
    summarise(found)


def one(way: str, run: Run) -> Figures:
    """In a process of its own: mlx-lm changes the one that imports it, and peaks of one would be peaks of all."""
    told = ["--epochs", str(run.epochs), "--rate", str(run.rate)]
    which = ["--one", way, str(run.seed), str(run.size), str(run.folder)]
    done = subprocess.run([sys.executable, __file__, *told, *which], check=True, stdout=subprocess.PIPE, text=True)
    return Figures(**json.loads(done.stdout.splitlines()[-1]))


def report(way: str, run: Run, figures: Figures) -> None:
    print(
        f"{way:<12} seed {run.seed}, {run.size} rows an update, {figures.slots:.0f} slots a batch: "
        f"{figures.completion_tokens / figures.seconds:.0f} completion tokens/s, "
        f"{figures.completion_tokens / figures.processor:.0f} a processor second, "
        f"loss {figures.before:.4f} -> {figures.after:.4f}",
        flush=True,
    )


def summarise(found: dict[str, list[Figures]]) -> None:
    theirs = found["mlx_lm.lora"]
    for way in WAYS[1:]:
        ours = found[way]
        clock, processor = (speed(ours, kind) / speed(theirs, kind) for kind in ("seconds", "processor"))
        loss = statistics.mean(one.after - other.after for one, other in zip(ours, theirs, strict=True))
        around = sum(each.around for each in ours) / sum(each.seconds for each in ours)
        print(f"{way}: {clock:.2f} x by the clock, {processor:.2f} x by the processor; loss {loss:+.4f} on average")
        print(f"{way}: {around:.2%} of the updates' time was spent around them")


def speed(all_figures: Sequence[Figures], kind: str) -> float:
    """Completion tokens a second; `kind` is the field that holds the seconds."""
    seconds: float = sum(getattr(each, kind) for each in all_figures)
    return sum(each.completion_tokens for each in all_figures) / seconds


def make_base(folder: Path) -> None:
    """The embedded tiny model in float32."""
    import mlx.core as mx

    from handlers.models.tiny import make_tiny

    make_tiny(folder)
    file = str(folder / "model.safetensors")
    loaded = mx.load(file)
    assert isinstance(loaded, dict)  # mlx returns other things for other formats
    weights = {name: each.astype(mx.float32) for name, each in loaded.items()}
    mx.save_safetensors(file, weights, metadata={"format": "mlx"})


def make_rows(folder: Path, train: int, valid: int) -> None:
    """Rows of the bundled reports, taken through the first three stages; few enough that minutes suffice."""
    from config.settings import Settings
    from handlers import analysis, dataset, narrative
    from watcher.execute import execute
    from watcher.workspace import Workspace

    settings, root = Settings(), folder / "workspace"
    workspace, narratives = Workspace(root), []
    with resources.as_file(resources.files("handlers.demo").joinpath("reports")) as reports:
        for file in sorted(reports.iterdir()):
            analysed = execute(workspace, analysis.stage(settings, root), [file]).folder
            narratives.append(execute(workspace, narrative.stage(settings, root), [analysed]).folder)
    made = execute(workspace, dataset.stage(settings, root), narratives).folder
    for name, count in (("train", train), ("valid", valid)):
        lines = (made / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        step = max(1, len(lines) // count)
        (folder / f"{name}.jsonl").write_text("\n".join(lines[::step][:count]) + "\n", encoding="utf-8")


def measure(way: str, run: Run) -> Figures:
    from handlers.dataset.rows import load_rows
    from handlers.evaluation.measure import evaluate_model
    from handlers.training.adapters import load_base
    from handlers.training.encode import encode_rows

    model, tokenizer = load_base(run.folder / "base")
    train, valid = (
        encode_rows(load_rows(run.folder / f"{each}.jsonl").examples, tokenizer, WINDOW) for each in ("train", "valid")
    )
    before = evaluate_model(model, valid)
    watch = theirs(model, tokenizer, run) if way == "mlx_lm.lora" else ours(model, train, valid, before, run)
    after = evaluate_model(model, valid).loss
    tokens = train.completion_tokens * run.epochs
    return Figures(tokens, watch.slots(), watch.seconds, watch.processor, watch.around, before.loss, after)


def theirs(model: Any, tokenizer: Any, run: Run) -> Watch:
    """`mlx_lm.lora` as its command line runs it, but for the validation, which is switched off."""
    import numpy as np
    from mlx_lm import lora
    from mlx_lm.tuner import trainer
    from mlx_lm.tuner.datasets import create_dataset

    lines = [json.loads(line) for line in (run.folder / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = [{"messages": each["messages"]} for each in lines]
    assert len(rows) % run.size == 0, "mlx_lm.lora would drop the tail"
    data = create_dataset(rows, tokenizer, SimpleNamespace(mask_prompt=True))
    chosen = {
        **lora.CONFIG_DEFAULTS,
        "seed": run.seed,
        "num_layers": -1,
        "batch_size": run.size,
        "iters": len(rows) // run.size * run.epochs,
        "learning_rate": run.rate,
        "lora_parameters": {"rank": RANK, "scale": SCALE, "dropout": 0.0},
        "max_seq_length": WINDOW,
        "adapter_path": str(run.folder / "theirs"),
        "model": "base",
    }
    watch = Watch()
    original = trainer.iterate_batches
    np.random.seed(run.seed)

    def watched(**given: Any) -> Iterator[Any]:
        return watch.over(original(**given), lambda batch: batch[0].size)

    replaced = lora.train
    lora.train = lambda **given: replaced(**{**given, "val_dataset": None}, iterate_batches=watched)
    lora.train_model(SimpleNamespace(**chosen), model, data, [])
    return watch


def ours(model: Any, train: Any, valid: Any, before: Any, run: Run) -> Watch:
    """The loop with all that a training has around it; one evaluation an epoch, a checkpoint after each."""
    from config.settings import FineTuning, Mlx, Training
    from handlers.evaluation.measure import evaluate_model
    from handlers.models.device import settle_device
    from handlers.training import course
    from handlers.training.adapters import attach
    from handlers.training.checkpoints import Checkpoints, State
    from handlers.training.comfort import Keeper
    from handlers.training.loop import Loop
    from handlers.training.loss import reach_of
    from handlers.training.optimizer import GuardedAdamW
    from handlers.training.parameters import layout_of, parameters_of
    from handlers.training.progress import write_progress
    from watcher.stage import Attempt

    settle_device()
    chosen = Training(
        learning_rate=run.rate,
        batch_size=run.size,
        max_epochs=run.epochs,
        lora_rank=RANK,
        lora_alpha=RANK * SCALE,
        seed=run.seed,
    )
    layers, modules = attach(model, chosen)
    settings = FineTuning(training=chosen, mlx=Mlx(gradient_checkpointing=False))
    used = parameters_of(settings, len(train.rows), layers, modules, True, "float32")
    loop = Loop(
        model, GuardedAdamW(used.schedule, used.clip_norm), train.rows, layout_of(chosen, True, reach_of(model))
    )
    watch, feed = Watch(), loop._feed
    loop._feed = lambda *given: watch.over(feed(*given), lambda batch: batch[0].size)  # type: ignore[method-assign]
    checkpoints = Checkpoints(run.folder / f"checkpoints-{run.seed}-{run.size}")
    attempt = Attempt(key="0" * 64, resume=run.folder, cache=run.folder)
    state = State(made_by="", base=before, best=before)
    show = partial(write_progress, run.folder)
    whole = course.Course(loop, valid, used, checkpoints, attempt, state, Keeper(settings.comfort), show)
    with patch.object(course, "evaluate_model", lambda *given: watch.apart(lambda: evaluate_model(*given))):
        whole.run(frugal=True)
    return watch


class Watch:
    """Measures what happens between the batches of an iterator: the updates."""

    def __init__(self) -> None:
        self.seconds = self.processor = self.around = 0.0
        self.sizes: list[int] = []

    def over(self, batches: Iterator[Any], size: Any) -> Iterator[Any]:
        began = time.perf_counter()
        for batch in batches:
            self.around += time.perf_counter() - began
            self.sizes.append(size(batch))
            seconds, processor = time.perf_counter(), time.process_time()
            yield batch
            self.seconds += time.perf_counter() - seconds
            self.processor += time.process_time() - processor
            began = time.perf_counter()
        self.around += time.perf_counter() - began

    def apart(self, work: Callable[[], Any]) -> Any:
        """Does it, and leaves its time out of what is between updates."""
        began = time.perf_counter()
        done = work()
        self.around -= time.perf_counter() - began
        return done

    def slots(self) -> float:
        return math.fsum(self.sizes) / len(self.sizes)


if __name__ == "__main__":
    main()
