"""While one round is flushed the next is made; it counts only once it is named."""

from __future__ import annotations

import dataclasses
import errno
import os
import threading
from pathlib import Path

import pytest
from crash import drop, prove, the_pass
from toy import PIPELINE, UPPER, FakeClock, one_pass

from watcher import files
from watcher.engine import Engine
from watcher.errors import Unavailable
from watcher.execute import Voice
from watcher.index import Index
from watcher.tempo import Tempo
from watcher.workspace import Workspace

LONG = 60.0
"""Seconds, never reached unless something is wrong."""
CONTENTS = [b"%d words" % n for n in range(12)]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr("watcher.inbox.GROUP", 4)
    monkeypatch.setattr("watcher.engine.GROUP", 4)
    return Workspace(tmp_path / "w").make()


def flushed_beside(step: str, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Holds the first flush up until the next round is at such a step, and tells whether it came to it."""
    there, found = threading.Event(), list[bool]()
    steps = iter(range(1000))

    def meet(point: str) -> None:
        if point == step and next(steps) == 4:  # the first of the second group
            there.set()
        elif point == "flush" and not found:
            found.append(there.wait(LONG))

    monkeypatch.setattr(files, "reached", meet)
    return found


def test_the_next_files_are_taken_while_a_round_is_flushed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(workspace, CONTENTS)
    beside = flushed_beside("copy", monkeypatch)
    the_pass(workspace)
    assert beside == [True]
    prove(workspace, CONTENTS)


def test_the_next_jobs_are_run_while_a_round_is_flushed(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(workspace, CONTENTS)
    the_pass(workspace, (dataclasses.replace(UPPER, ready=lambda inputs: "not yet"),))
    beside = flushed_beside("run", monkeypatch)
    the_pass(workspace, (UPPER,))
    assert beside == [True]
    prove(workspace, CONTENTS, (UPPER,))


@pytest.mark.parametrize("nth", range(4))
def test_a_flush_that_fails_beside_the_next_round_loses_neither(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    drop(workspace, CONTENTS)
    flushes = iter(range(9))

    def full(point: str) -> None:
        if point == "sync volume" and next(flushes) == nth:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "disk")

    monkeypatch.setattr(files, "reached", full)
    tally = one_pass(workspace, FakeClock())
    assert next(flushes) > nth, "no flush failed"
    assert "the disk is full" in tally.held["workspace"]
    assert not (workspace.outbox / ".scratch" / "00").exists()
    prove(workspace, CONTENTS)
    tally = one_pass(workspace, FakeClock())
    assert not tally.failed
    assert len(list(workspace.outbox.glob("count/*/*"))) == len(CONTENTS)
    assert not list(workspace.inbox.iterdir())
    prove(workspace, CONTENTS)


def test_what_is_under_way_is_not_taken_for_new(workspace: Workspace) -> None:
    """The same content, and two that become the same, in groups that follow each other."""
    contents = [b"same", *(b"%d" % n for n in range(3)), b"same", b"Same", b"other"]
    drop(workspace, contents)
    tally = one_pass(workspace, FakeClock(), paths=[workspace.inbox / str(n) for n in range(len(contents))])
    assert tally.done["artifacts"] == 6
    assert tally.duplicates == 1
    assert tally.done["upper"] == 6
    assert tally.done["count"] == 5
    prove(workspace, contents)


def test_a_round_under_way_is_ended_before_the_engine_goes(workspace: Workspace) -> None:
    drop(workspace, CONTENTS)
    with Engine(workspace, PIPELINE, Tempo(settle_seconds=0.0), Voice(), patient=True) as engine:
        engine.round()
        assert not list(workspace.outbox.glob("upper/*/*"))  # made, and not named yet
    assert len(list(workspace.outbox.glob("upper/*/*"))) == 4
    assert len(list(workspace.inbox.iterdir())) == len(CONTENTS) - 4
    prove(workspace, CONTENTS)


def test_a_round_that_breaks_off_leaves_nothing_in_the_scratch_folder(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(workspace, CONTENTS)
    answers = iter([False, False])

    def done(index: Index, stage: str, digest: str) -> bool:
        try:
            return next(answers)
        except StopIteration:
            raise Unavailable("the index can't be read", "wait") from None

    monkeypatch.setattr(Index, "done", done)
    with Engine(workspace, PIPELINE, Tempo(settle_seconds=0.0), Voice(clock=FakeClock()), patient=True) as engine:
        assert not engine.round()
        assert engine.paused
        assert not list((workspace.outbox / ".scratch").glob("*/*"))
        assert len(list(workspace.inbox.iterdir())) == len(CONTENTS)
        monkeypatch.undo()
    the_pass(workspace)
    prove(workspace, CONTENTS)


def test_a_round_under_way_is_dropped_when_the_engine_falls(workspace: Workspace) -> None:
    drop(workspace, CONTENTS)

    def fall() -> None:
        with Engine(workspace, PIPELINE, Tempo(settle_seconds=0.0), Voice(), patient=True) as engine:
            engine.round()
            raise Unavailable("somewhere else", "look there")

    with pytest.raises(Unavailable, match="somewhere else"):
        fall()
    assert not list(workspace.outbox.glob("upper/*/*"))
    assert len(list(workspace.inbox.iterdir())) == len(CONTENTS)
    the_pass(workspace)
    prove(workspace, CONTENTS)
