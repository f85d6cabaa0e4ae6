"""How far the training is that runs just now: a small file that `scantune status` reads. Imports no mlx."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from handlers.records import Record
from watcher.files import make_folder, surroundings

FILE = Path("state") / "progress.json"


class Progress(Record, frozen=True, kw_only=True):
    """Written every few seconds; it decides nothing, so it need not outlive a crash."""

    pid: int
    update: int  # updates of the weights done
    updates: int  # of the whole training
    loss: float  # of the last update, nats a completion token
    speed: float  # completion tokens a second
    memory: int  # bytes at the peak, by MLX's count
    left: float  # seconds, if it goes on like this

    def __str__(self) -> str:
        return (
            f"update {self.update}/{self.updates}: loss {self.loss:.4f}, {self.speed:.0f} tokens/s, "
            f"{self.memory / 1e9:.2f} GB, {_clock(self.left)} left"
        )


def write_progress(root: Path, progress: Progress) -> None:
    """`root` is the workspace; a reader sees the old file or the new one. Raises Unavailable if the disk is full."""
    beside = make_folder((root / FILE).parent) / f"{FILE.name}.{progress.pid}"
    with surroundings():
        beside.write_bytes(msgspec.json.encode(progress))
        beside.replace(root / FILE)


def end_progress(root: Path) -> None:
    (root / FILE).unlink(missing_ok=True)


def read_progress(root: Path) -> Progress | None:
    """None if no training runs, or none that has made an update yet; a killed one counts as none."""
    try:
        told = msgspec.json.decode((root / FILE).read_bytes(), type=Progress)
    except (OSError, msgspec.DecodeError):
        return None
    return told if _lives(told.pid) else None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
