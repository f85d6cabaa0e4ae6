"""Will it fit? Trial steps on this very device say so, before an update is made; the plan's largest batch is judged.

A trial step computes all that a real one does, but its optimizer is told from the start that a gradient was not finite:
weights stay as they are. Memory is taken as linear in what a step holds:

    bytes = a + b * tokens + c * tokens * width + d * learned positions

(weights and optimizer; activations; attention; logits). Four small trials give the four numbers. Where they say that
the largest batch leaves more than half of the device free, that batch is tried as well, and what it took is told
instead, and so is the one with the most tokens: the line through small trials is up to a fifth off, and where all
weights are trained it is flat, because moments outweigh activations.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import psutil
from mlx_lm.tuner.trainer import grad_checkpoint
from mlx_lm.utils import get_total_parameters

from config.settings import FineTuning
from handlers.training.adapters import trainable
from handlers.training.batches import Batch, Layout, epoch_updates, update_batches
from handlers.training.encode import Row
from handlers.training.loop import layer_class_kept
from handlers.training.loss import arrays, completion_loss
from handlers.training.optimizer import GuardedAdamW
from handlers.training.records import Parameters
from watcher.errors import Unavailable

TRIALS = ((1, 64, 32), (2, 64, 32), (1, 128, 32), (1, 64, 64))
"""Sequences, their width, learned positions."""
GIGA = 1e9


@dataclass(frozen=True, slots=True)
class Shape:
    """What a step's memory depends on."""

    sequences: int
    width: int
    learned: int

    @property
    def tokens(self) -> int:
        return self.sequences * self.width

    @property
    def terms(self) -> tuple[float, ...]:
        return (1.0, self.tokens, self.tokens * self.width, self.learned)


@dataclass(frozen=True, slots=True)
class Fit:
    """The estimate for one training."""

    parameters: int
    trainable: int
    memory: int  # bytes at the peak
    seconds: float  # of all updates
    limit: int  # bytes that there are for this
    longest: int  # tokens of the longest sequence

    def __str__(self) -> str:
        return (
            f"{self.parameters / 1e6:.1f} M parameters, {self.trainable / 1e6:.2f} M trained; estimated: "
            f"{self.memory / GIGA:.2f} GB of {self.limit / GIGA:.1f} GB, {self.seconds / 60:.1f} minutes"
        )


class Trials:
    """Trial steps of this model on this device, and what they say of larger ones."""

    def __init__(self, model: Any, used: Parameters) -> None:
        self.model, self.used = model, used

    def largest(self, shapes: Sequence[Shape], room: int) -> tuple[int, float]:
        """The bytes at the peak of the largest of `shapes`, and the seconds that a token takes."""
        small = [Shape(*each) for each in TRIALS]
        with layer_class_kept(self.model):
            if self.used.gradient_checkpointing:
                grad_checkpoint(self.model.layers[0])
            self.model.train()
            self._step(small[0])  # the first one pays for what is done once
            peaks, seconds = zip(*(self._step(shape) for shape in small), strict=True)
            growth = np.linalg.solve([shape.terms for shape in small], peaks)

            def told(shape: Shape) -> int:
                return int(max(0.0, float(np.dot(growth, shape.terms))))

            largest, longest = max(shapes, key=told), max(shapes, key=lambda shape: shape.tokens)
            if 2 * told(largest) > room:
                return told(largest), max(seconds) / max(shape.tokens for shape in small)
            # small trials may show no growth at all
            tried = {shape: self._step(shape) for shape in dict.fromkeys((largest, longest))}
            peak, _ = max(tried.values())
            return peak, tried[longest][1] / longest.tokens

    def _step(self, shape: Shape) -> tuple[int, float]:
        gc.collect()  # an optimizer and its moments are part of a cycle
        optimizer = GuardedAdamW(self.used.schedule, self.used.clip_norm)
        optimizer.init(self.model.trainable_parameters())
        optimizer.state["finite"] = mx.array(False)
        given = arrays(_trial(shape, self.used.packing))
        mx.eval(optimizer.state, given)  # a real step finds moments in memory, and makes new ones beside them
        mx.clear_cache()
        mx.reset_peak_memory()
        began = time.perf_counter()
        loss, gradients = nn.value_and_grad(self.model, completion_loss)(self.model, *given)
        optimizer.update(self.model, gradients)
        del gradients  # mlx-lm's step lets go of them too, so that their memory is used again
        mx.eval(self.model.state, optimizer.state, loss)  # in the order of mlx-lm, on which the peak depends
        return mx.get_peak_memory(), time.perf_counter() - began


def _trial(shape: Shape, packing: bool) -> Batch:
    zeros = np.zeros((shape.sequences, shape.width), np.int32)
    learned = np.arange(shape.learned, dtype=np.int32)
    return Batch(
        tokens=zeros,
        segments=zeros if packing else None,
        positions=learned,
        labels=np.zeros_like(learned),
        mask=np.ones(shape.learned, np.float32),
        divisor=1.0,
        rows=(),
    )


def estimate(model: Any, rows: Sequence[Row], layout: Layout, used: Parameters, limit: int) -> Fit:
    """Tries the model out; changes neither its weights nor what is drawn at random in training."""
    shapes = list(_shapes(rows, layout))
    memory, pace = Trials(model, used).largest(shapes, limit)
    updates = used.schedule.updates / used.schedule.per_epoch
    return Fit(
        parameters=get_total_parameters(model),  # quantised ones are packed, and still count each
        trainable=sum(each.size for each in trainable(model).values()),
        memory=memory,
        seconds=pace * sum(shape.tokens for shape in shapes) * updates,
        limit=limit,
        longest=max(shape.width for shape in shapes),
    )


def _shapes(rows: Sequence[Row], layout: Layout) -> Iterator[Shape]:
    """Those of the first epoch; later ones mix the rows anew, but the longest row is in each of them."""
    for update in epoch_updates(rows, layout, 0):
        for batch in update_batches(update, layout):
            sequences, width = batch.tokens.shape
            yield Shape(sequences, width, len(batch.positions))


def device_memory() -> int:
    """Bytes that a training may use: what Metal recommends, else what is free or ours already."""
    recommended = mx.device_info().get("max_recommended_working_set_size")
    if recommended:
        return int(recommended)
    return int(psutil.virtual_memory().available) + int(mx.get_active_memory())


def refuse_what_does_not_fit(fit: Fit, used: Parameters, settings: FineTuning) -> None:
    """Raises Unavailable, with what would fit, before an update is made."""
    max_hours = settings.max_hours
    if fit.memory > fit.limit:
        whose = "fine_tuning.max_memory_gb leaves it" if settings.max_memory_gb else "this device has for it"
        raise Unavailable(
            f"training needs about {fit.memory / GIGA:.2f} GB, more than the {fit.limit / GIGA:.2f} GB that {whose}",
            f"set {'; or '.join(_smaller(fit, used))}",
        )
    if fit.seconds > max_hours * 3600:
        within = int(used.schedule.updates * max_hours * 3600 / fit.seconds)
        raise Unavailable(
            f"training would take about {fit.seconds / 3600:.1f} hours, more than max_hours ({max_hours:g})",
            f"set fine_tuning.training.max_updates: {max(1, within)}, or raise fine_tuning.max_hours",
        )


def _smaller(fit: Fit, used: Parameters) -> Iterator[str]:
    """Settings that need less memory, the one that changes least first."""
    if used.batch_size > 1:
        size = used.batch_size // 2
        parts = -(-used.batch_size // size) * used.accumulation
        yield f"fine_tuning.training.batch_size: {size} with gradient_accumulation: {parts}"
    if not used.gradient_checkpointing:
        yield "fine_tuning.mlx.gradient_checkpointing: true"
    yield f"fine_tuning.training.max_seq_length: {max(16, min(used.max_seq_length, fit.longest) // 2)}"
