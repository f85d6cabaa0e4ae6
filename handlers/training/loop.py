"""mlx-lm's training loop, fed and watched by us.

`mlx_lm.tuner.trainer.train` asks an iterator for each batch. Ours is where everything between two updates happens, and
it ends the training by ending: the loop itself is told one iteration more than there are. Everything drawn at random
is a function of (seed, update), so that weights, optimizer state and the number of updates are the whole state.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.cli_ui import make_console
from mlx_lm.tuner.callbacks import TrainingCallback
from mlx_lm.tuner.trainer import TrainingArgs, train

from handlers.training.batches import Layout, epoch_updates, update_batches
from handlers.training.encode import Row
from handlers.training.loss import Arrays, arrays, completion_loss
from handlers.training.optimizer import GuardedAdamW
from watcher.errors import BadInput

KEEP_MEMORY = 1 << 62
"""Bytes of freed memory that the allocator may hold on to, where memory does not matter."""

After = Callable[[int, float, float], bool]
"""Called between updates with how many are done, the last one's loss and its completion tokens a second; returns
whether training goes on."""


class Loop(TrainingCallback):  # type: ignore[misc]
    """Trains `model` from update `done` on until `after` says no or `updates` are done."""

    def __init__(self, model: nn.Module, optimizer: GuardedAdamW, rows: Sequence[Row], layout: Layout) -> None:
        self.model, self.optimizer = model, optimizer
        self.rows, self.layout = rows, layout
        self.loss = self.speed = 0.0  # of the last update; speed in completion tokens a second
        self.tokens = 0  # completion tokens of the last update

    def run(
        self, done: int, updates: int, after: After, *, scratch: Path, checkpointing: bool = False, frugal: bool = False
    ) -> None:
        """mlx-lm leaves its own last weights in `scratch`.

        Raises BadInput, with the weights of the last good update in the model, if a gradient is not finite."""
        accumulation = self.layout.accumulation
        if done >= updates:
            return
        self.optimizer.init(self.model.trainable_parameters())
        args = TrainingArgs(
            iters=(updates - done) * accumulation + 1,
            steps_per_report=accumulation,
            steps_per_save=1 << 62,
            adapter_file=scratch / "mlx-lm.safetensors",
            grad_checkpoint=checkpointing,
            grad_accumulation_steps=accumulation,
            clear_cache_threshold=0 if frugal else KEEP_MEMORY,
        )
        with layer_class_kept(self.model), _quiet():
            train(
                model=self.model,
                optimizer=self.optimizer,
                train_dataset=None,
                args=args,
                loss=completion_loss,
                iterate_batches=lambda **_: self._feed(done, updates, after),
                training_callback=self,
            )

    def on_train_loss_report(self, train_info: dict[str, Any]) -> None:
        self.loss, self.speed = train_info["train_loss"], train_info["tokens_per_second"]

    def _feed(self, done: int, updates: int, after: After) -> Iterator[Arrays]:
        per_epoch = self.layout.updates(len(self.rows))
        for epoch in range(done // per_epoch, -(-updates // per_epoch)):
            plan = epoch_updates(self.rows, self.layout, epoch)
            for update in range(max(done, epoch * per_epoch), min(updates, (epoch + 1) * per_epoch)):
                rows = plan[update - epoch * per_epoch]
                self.tokens = sum(row.completion for row in rows)
                yield from self._batches(update, rows)
                self._check(update, rows)
                if not after(update + 1, self.loss, self.speed):
                    return

    def _batches(self, update: int, rows: Sequence[Row]) -> Iterator[Arrays]:
        accumulation = self.layout.accumulation
        for part, batch in enumerate(update_batches(rows, self.layout)):
            mx.random.seed(self.layout.seed * 1_000_003 + update * accumulation + part)
            yield arrays(batch)

    def _check(self, update: int, rows: Sequence[Row]) -> None:
        if not self.optimizer.state["finite"].item():
            numbers = ", ".join(str(row.number) for row in rows)
            raise BadInput(
                f"the gradient of update {update + 1} is not finite; its rows in train.jsonl: {numbers}",
                "look at these rows, or lower fine_tuning.training.learning_rate",
            )


@contextlib.contextmanager
def layer_class_kept(model: nn.Module) -> Iterator[None]:
    """mlx-lm's gradient checkpointing replaces the layer class's call for good; this puts it back."""
    layer = type(model.layers[0])
    call = layer.__call__
    try:
        yield
    finally:
        layer.__call__ = call


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Standard output is not mlx-lm's to write on; progress is said by us."""
    console = make_console()
    console.quiet = True
    try:
        yield
    finally:
        console.quiet = False
