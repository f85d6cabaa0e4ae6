"""Under whatever name `status` shows something, `why` knows it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest
from toy import COLLECT, COUNT, PIPELINE, UPPER, FakeClock, one_pass

from watcher import settling
from watcher.errors import BadInput
from watcher.explain import why
from watcher.failures import Retries, Schedule
from watcher.index import Index
from watcher.overview import overview
from watcher.stage import Attempt, Outcome, Stage
from watcher.workspace import Workspace


def refuse(inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
    raise BadInput("no", "try another")


def told(workspace: Workspace, stages: Sequence[Stage], clock: FakeClock, words: str) -> list[tuple[str, str]]:
    with Index(workspace, stages) as index:
        steps = why(workspace, stages, index, Schedule(workspace, Retries()), clock, words)
    return [(step.stage, step.state) for step in steps]


@pytest.mark.parametrize(
    "stages",
    [(UPPER, dataclasses.replace(COUNT, run=refuse)), (UPPER, COUNT, dataclasses.replace(COLLECT, run=refuse))],
    ids=["each", "collected"],
)
def test_a_quarantined_input_that_is_no_artifact_is_known_by_its_digest(
    workspace: Workspace, clock: FakeClock, stages: tuple[Stage, ...]
) -> None:
    (workspace.inbox / "a").write_bytes(b"one")
    one_pass(workspace, clock, stages)
    with Index(workspace, stages) as index:
        (trouble,) = overview(workspace, stages, index, Retries(), clock).troubles
    assert told(workspace, stages, clock, trouble.input[:12]) == [(stages[-1].name, "quarantined")]


def test_a_name_may_look_like_a_digest(workspace: Workspace, clock: FakeClock) -> None:
    (workspace.inbox / "20240131").write_bytes(b"one")
    one_pass(workspace, clock)
    assert told(workspace, PIPELINE, clock, "20240131")[0] == ("artifacts", "accepted")


def test_a_quarantined_artifact_is_told_once_after_it_was_accepted(workspace: Workspace, clock: FakeClock) -> None:
    (workspace.inbox / "bad").write_bytes(b"\0")
    one_pass(workspace, clock)
    with Index(workspace, PIPELINE) as index:
        (trouble,) = overview(workspace, PIPELINE, index, Retries(), clock).troubles
    assert told(workspace, PIPELINE, clock, trouble.input[:12]) == [("artifacts", "accepted"), ("upper", "quarantined")]


def test_all_that_waits_in_the_inbox_is_counted_and_known(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watcher holds some in view at once; whoever asks is told of all."""
    monkeypatch.setattr(settling, "WINDOW", 10)
    for number in range(25):
        (workspace.inbox / f"file {number}").touch()
    with Index(workspace, PIPELINE) as index:
        assert overview(workspace, PIPELINE, index, Retries(), clock).inbox == 25
    assert {told(workspace, PIPELINE, clock, f"file {n}")[0] for n in range(25)} == {("artifacts", "in the inbox")}
