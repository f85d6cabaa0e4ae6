"""While many files wait: one flush a round, and a turn for whoever else takes files."""

from __future__ import annotations

import threading

import pytest
from crash import drop, points_of, prove, the_pass
from toy import PIPELINE, FakeClock

from watcher import files, inbox
from watcher.engine import Engine
from watcher.execute import Voice
from watcher.files import _libc
from watcher.locks import is_held
from watcher.loop import run_pass
from watcher.tempo import Tempo
from watcher.workspace import Workspace

CONTENTS = [b"text %d" % n for n in range(12)]


@pytest.fixture(autouse=True)
def several_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "GROUP", 4)


@pytest.mark.skipif(_libc is None, reason="only Linux flushes a volume in one call")
def test_one_flush_serves_a_round_and_the_names_of_the_one_before(workspace: Workspace) -> None:
    drop(workspace, CONTENTS)
    points = points_of(lambda: the_pass(workspace, PIPELINE[:2]))
    assert points.count("sync volume") == 3 + 1  # the last names have no round after them
    assert not list(workspace.inbox.iterdir())


def test_no_file_leaves_the_inbox_before_the_name_of_what_it_became_is_on_the_disk(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(workspace, CONTENTS)
    renamed, safe, left = 0, 0, 0

    def count(point: str) -> None:
        nonlocal renamed, safe, left
        renamed += point == "rename"
        safe = renamed if point in ("sync volume", "flush names") else safe
        if point == "remove input":
            left += 1
            assert 3 * left <= safe  # three jobs a file: itself, and one of each stage

    monkeypatch.setattr(files, "reached", count)
    the_pass(workspace, PIPELINE[:2])
    assert left == len(CONTENTS)


def test_who_waits_for_a_turn_gets_it_in_between(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    class Watched(FakeClock):
        def wait(self, event: threading.Event, seconds: float) -> bool:
            free.append(not is_held(workspace.lock("intake")))
            return super().wait(event, seconds)

    free: list[bool] = []
    monkeypatch.setattr(inbox, "TURN_SECONDS", -1.0)
    drop(workspace, CONTENTS)
    with Engine(workspace, PIPELINE, Tempo(settle_seconds=0.0), Voice(clock=Watched()), patient=False) as engine:
        tally = run_pass(engine)
    assert tally.done["artifacts"] == len(CONTENTS)
    assert free == [True, True]  # after each group but the last
    prove(workspace, CONTENTS)
