"""Checkpoints of a training: all that the next attempt needs to go on as if nothing had happened.

    FOLDER/0000120/weights.safetensors     what is trained
                   optimizer.safetensors   moments, step, learning rate
                   state.json              updates done, losses so far, the best

A checkpoint is a folder that was renamed when it was complete. Everything else (order of rows, dropout, schedule) is a
function of the seed and the number of updates.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlx.core as mx
import msgspec
from mlx.utils import tree_flatten, tree_unflatten

from handlers.evaluation.record import Evaluation
from handlers.models.folder import tensors_written
from handlers.records import Record
from handlers.training.adapters import trainable
from handlers.training.optimizer import GuardedAdamW
from handlers.training.records import Point
from watcher import files

WEIGHTS, OPTIMIZER, STATE = "weights.safetensors", "optimizer.safetensors", "state.json"


class State(Record, frozen=True, kw_only=True):
    """How far a training has come."""

    made_by: str  # versions; another version starts anew
    done: int = 0  # updates
    completion_tokens: int = 0  # trained on
    train_losses: tuple[Point, ...] = ()
    valid_losses: tuple[Point, ...] = ()
    base: Evaluation  # of the base alone
    base_test: Evaluation | None = None  # the same on the frozen side, if there is one
    best: Evaluation
    best_update: int = 0
    worse: int = 0  # evaluations since the best one
    seconds: float = 0.0  # in all attempts so far
    stepping: float = 0.0  # of these, spent in updates


class _Made(msgspec.Struct):
    """What is read of any version's state."""

    made_by: str


class Checkpoints:
    """The checkpoints of one job: the last, and the one with the best loss."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, model: Any, optimizer: GuardedAdamW, state: State) -> None:
        """Raises Unavailable, with the earlier checkpoints untouched, if the disk is full."""
        files.make_folder(self.folder)
        final, beside = self._of(state.done), self.folder / f".{state.done:07d}"
        files.remove_tree(beside)
        with files.surroundings():
            beside.mkdir()
            _write(beside / WEIGHTS, trainable(model))
            _write(beside / OPTIMIZER, dict(tree_flatten(optimizer.state)))
            (beside / STATE).write_bytes(msgspec.json.encode(state))
            files.sync_trees([beside])
            files.remove_tree(final)
            beside.rename(final)
            files.sync(self.folder)
        self._prune({state.done, state.best_update})

    def last(self, made_by: str) -> State | None:
        """The newest state that this version can go on from."""
        for done in sorted(self._found(), reverse=True):
            told = (self._of(done) / STATE).read_bytes()
            if msgspec.json.decode(told, type=_Made).made_by == made_by:
                return msgspec.json.decode(told, type=State)
        return None

    def restore(self, model: Any, optimizer: GuardedAdamW, done: int) -> None:
        model.load_weights(str(self._of(done) / WEIGHTS), strict=False)
        optimizer.state = tree_unflatten(list(_read(self._of(done) / OPTIMIZER).items()))

    def weights(self, done: int) -> dict[str, mx.array]:
        """What was trained, as it was after `done` updates."""
        return _read(self._of(done) / WEIGHTS)

    def _of(self, done: int) -> Path:
        return self.folder / f"{done:07d}"

    def _found(self) -> list[int]:
        if not self.folder.is_dir():
            return []
        return [int(each.name) for each in self.folder.iterdir() if each.name.isdigit()]

    def _prune(self, kept: set[int]) -> None:
        for done in set(self._found()) - kept:
            files.remove_tree(self._of(done))


def forget_finished(folder: Path, jobs: Path) -> None:
    """Removes the checkpoints in `folder` of trainings whose results lie in `jobs`: nobody goes on from them.

    They are kept until the next training begins, since a job is committed after its training has ended.
    """
    for name in files.names(folder):
        if any((jobs / name[:2]).glob(f"{name}*")):
            files.remove_tree(folder / name)


def _write(file: Path, tensors: dict[str, mx.array]) -> None:
    with tensors_written(file):
        mx.save_safetensors(str(file), tensors, metadata={"format": "mlx"})


def _read(file: Path) -> dict[str, mx.array]:
    tensors = mx.load(str(file))
    assert isinstance(tensors, dict)  # mlx returns other things for other formats
    return tensors
