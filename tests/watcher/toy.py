"""A toy pipeline without a word of the product: upper-case a text, count its words, collect all counts."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from watcher.engine import Engine
from watcher.errors import BadInput
from watcher.execute import Voice
from watcher.loop import run_pass
from watcher.stage import ARTIFACTS, Attempt, Outcome, Stage, Takes
from watcher.tally import Tally
from watcher.tempo import Tempo
from watcher.workspace import Workspace


def shout(inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
    text = inputs[0].read_bytes()
    if b"\0" in text:
        raise BadInput("a NUL byte in the text", "send text")
    (out / "text").write_bytes(text.upper())
    return Outcome({"bytes": len(text)}, incomplete=b"half" in text)


def count(inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
    words = (inputs[0] / "text").read_bytes().split()
    (out / "count.json").write_bytes(msgspec.json.encode({"words": len(words)}))
    return Outcome({"words": len(words)})


def collect(inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
    counts = sorted(msgspec.json.decode((path / "count.json").read_bytes())["words"] for path in inputs)
    (out / "all.json").write_bytes(msgspec.json.encode(counts))
    return Outcome({"texts": len(counts), "words": sum(counts)})


UPPER = Stage("upper", "1", (ARTIFACTS,), shout)
COUNT = Stage("count", "1", ("upper",), count)
COLLECT = Stage("collect", "1", ("count",), collect, takes=Takes.ALL)
PIPELINE = (UPPER, COUNT, COLLECT)


class FakeClock:
    """Waiting takes no time: it moves both clocks, and is noted in `waits`."""

    def __init__(self) -> None:
        self.wall = 1_800_000_000.0
        self.steady = 100.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.wall

    def elapsed(self) -> float:
        return self.steady

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        self.pass_(seconds)
        return event.is_set()

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


def one_pass(
    workspace: Workspace, clock: FakeClock, stages: Sequence[Stage] = PIPELINE, paths: Sequence[Path] = ()
) -> Tally:
    with Engine(workspace, stages, Tempo(), Voice(clock=clock), patient=False, paths=paths) as engine:
        return run_pass(engine)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def collected(workspace: Workspace, tally: Tally) -> bytes:
    return (workspace.job("collect", tally.keys["collect"]) / "all.json").read_bytes()


def write_or_skip(file: Path, content: bytes) -> None:
    """Skips the test where the file system takes no such name (APFS: none that is not UTF-8)."""
    try:
        file.write_bytes(content)
    except OSError as error:
        if error.errno != errno.EILSEQ:
            raise
        import pytest  # not where this pipeline is a program of its own

        pytest.skip("the file system takes no such name")


@contextlib.contextmanager
def locked(file: Path, how: int) -> Iterator[int]:
    """Somebody holds a lock: LOCK_SH to ask whether it is held, LOCK_EX to keep it."""
    handle = os.open(file, os.O_RDONLY | os.O_CREAT)
    fcntl.flock(handle, how)
    yield handle
    os.close(handle)
