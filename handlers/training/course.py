"""What happens between two updates: books, evaluations, checkpoints, progress, and whether to go on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import mlx.core as mx
import msgspec

from handlers.evaluation.measure import evaluate_model
from handlers.training.checkpoints import Checkpoints, State
from handlers.training.comfort import Keeper
from handlers.training.encode import Encoded
from handlers.training.loop import Loop
from handlers.training.progress import Progress
from handlers.training.records import Parameters, Point
from watcher.errors import Unavailable
from watcher.stage import Attempt

SAY_SECONDS = 5.0
"""Lines of progress are at least this far apart."""


class Course:
    """One training from its first or its last checkpoint to its end; `state` says how far it has come."""

    def __init__(
        self,
        loop: Loop,
        valid: Encoded,
        used: Parameters,
        checkpoints: Checkpoints,
        attempt: Attempt,
        start: State,
        keeper: Keeper,
        show: Callable[[Progress], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.loop, self.valid, self.used = loop, valid, used
        self.checkpoints, self.attempt, self.keeper = checkpoints, attempt, keeper
        self.show, self.now = show, now
        self.state = start
        self.begun = self.said = now()
        self.before = start.seconds  # of earlier attempts

    def run(self, frugal: bool) -> State:
        """Raises BadInput for gradients that are not finite, Unavailable if it was asked to stop (it is saved then)."""
        if self.state.done:
            self.checkpoints.restore(self.loop.model, self.loop.optimizer, self.state.done)
            self.attempt.say(f"training goes on after update {self.state.done} of {self.used.schedule.updates}")
        else:
            self._begin()
        if self._goes_on():
            self.loop.run(
                self.state.done,
                self.used.schedule.updates,
                self.after,
                scratch=self.checkpoints.folder,
                checkpointing=self.used.gradient_checkpointing,
                frugal=frugal,
            )
        return self.state

    def after(self, done: int, loss: float, speed: float) -> bool:
        """After each update; returns whether training goes on."""
        tokens = self.loop.tokens
        self._note(
            done=done,
            train_losses=(*self.state.train_losses, Point(update=done, loss=loss)),
            completion_tokens=self.state.completion_tokens + tokens,
            stepping=self.state.stepping + (tokens / speed if speed else 0.0),
        )
        plan = self.used.schedule
        if done % plan.eval_every == 0 or done == plan.updates:
            self._evaluate()
        elif done % plan.save_every == 0:
            self._save()
        self._say(loss, speed)
        self._heed()
        return self._goes_on()

    def _begin(self) -> None:
        """Before the first update the model answers as what it starts from, which has been measured."""
        point = Point(update=0, loss=self.state.best.loss)
        self._note(valid_losses=(point,))
        self.attempt.say(f"before training: validation loss {point.loss:.4f}")
        self._save()

    def _evaluate(self) -> None:
        """Measures the whole valid set, and saves: a checkpoint without its measure might be the best one."""
        measured = evaluate_model(self.loop.model, self.valid, self.used.batch_size)
        self.loop.model.train()
        point = Point(update=self.state.done, loss=measured.loss)
        better = measured.loss < self.state.best.loss
        self._note(
            valid_losses=(*self.state.valid_losses, point),
            best=measured if better else self.state.best,
            best_update=point.update if better else self.state.best_update,
            worse=0 if better else self.state.worse + 1,
        )
        self.attempt.say(f"update {point.update}: validation loss {point.loss:.4f}" + (" (best)" if better else ""))
        self._save()

    def _note(self, **changes: Any) -> None:
        seconds = self.before + self.now() - self.begun
        self.state = msgspec.structs.replace(self.state, seconds=seconds, **changes)

    def _save(self) -> None:
        self.checkpoints.save(self.loop.model, self.loop.optimizer, self.state)

    def _goes_on(self) -> bool:
        tired = 0 < self.used.patience <= self.state.worse
        if tired:
            self.attempt.say(
                f"stopped after update {self.state.done}: no better loss in {self.state.worse} evaluations"
            )
        return not tired and self.state.done < self.used.schedule.updates

    def _heed(self) -> None:
        """Rests if the machine needs it, and ends if it was asked to; rests are no time of training."""
        self.begun += self.keeper.heed(self.attempt.say, self.attempt.stopping)
        if self.attempt.stopping():
            self._save()
            raise Unavailable(f"asked to stop; saved after update {self.state.done}", "it goes on from there")

    def _say(self, loss: float, speed: float) -> None:
        if self.now() - self.said < SAY_SECONDS:
            return
        self.said = self.now()
        done, updates = self.state.done, self.used.schedule.updates
        progress = Progress(
            pid=os.getpid(),
            update=done,
            updates=updates,
            loss=loss,
            speed=speed,
            memory=mx.get_peak_memory(),
            left=self.state.seconds / done * (updates - done),
        )
        self.show(progress)
        self.attempt.say(str(progress))
