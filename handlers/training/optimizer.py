"""AdamW that clips gradients and leaves the weights alone once a gradient is not finite."""

from __future__ import annotations

from typing import Any

import mlx.core as mx
import mlx.optimizers as optim

from handlers.training.records import Schedule

Tree = Any
FALL_SHARE = 5
"""The learning rate falls over the last of this many parts of the updates."""


class GuardedAdamW(optim.AdamW):  # type: ignore[misc]
    """AdamW as mlx-lm runs it, without bias correction: a learning rate means here what it means there.

    Its state holds, beside AdamW's, `norm` (of the last gradient, before clipping) and `finite`.

    The first gradient that is not finite turns `finite` to False for good; from then on weights and moments stay as
    they were: what is left is the last good state. It happens inside the compiled step, without a round trip.
    """

    def __init__(self, schedule: Schedule, max_norm: float) -> None:
        super().__init__(learning_rate=learning_rates(schedule), weight_decay=0.0, bias_correction=False)
        self.max_norm = max_norm
        self.state["norm"] = mx.array(0.0)
        self.state["finite"] = mx.array(True)

    def apply_gradients(self, gradients: Tree, parameters: Tree) -> Tree:
        clipped, norm = optim.clip_grad_norm(gradients, self.max_norm)
        self.state["norm"] = norm
        self.state["finite"] = self.state["finite"] & mx.isfinite(norm)
        return super().apply_gradients(clipped, parameters)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict[str, mx.array]) -> mx.array:
        before = dict(state)
        after = super().apply_single(gradient, parameter, state)
        finite = self.state["finite"]
        for key, value in before.items():
            state[key] = mx.where(finite, state[key], value)
        return mx.where(finite, after, parameter)


def learning_rates(schedule: Schedule) -> Any:
    """Warm-up from a first step that is not zero, the peak, over the last fifth a cosine that ends just above zero.

    By updates, from 0. In short trainings a cosine all the way from the peak costs more than it gives.
    """
    peak, warmup = schedule.learning_rate, schedule.warmup
    fall = max(1, schedule.updates // FALL_SHARE)
    top = max(warmup, schedule.updates - fall - 1)
    rise = optim.linear_schedule(peak / (warmup + 1), peak, max(1, warmup))
    return optim.join_schedules([rise, lambda _: peak, optim.cosine_decay(peak, fall + 1)], [warmup, top])
