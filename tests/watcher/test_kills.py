"""Killed at any instant, the engine loses nothing, does nothing twice and leaves nothing half-made."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from crash import drop, in_a_child, killed_at, outputs, points_of, prove, random_kills, the_pass, undisturbed
from toy import PIPELINE, UPPER, shout

from watcher.errors import Unavailable
from watcher.failures import read_all
from watcher.stage import Attempt, Outcome
from watcher.workspace import Workspace

CONTENTS = [b"one two", b"three", b"bad \0", b"one two", b"four five six"]


@pytest.fixture(autouse=True)
def several_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """The inbox files of one group go when the next is flushed."""
    monkeypatch.setattr("watcher.inbox.GROUP", 2)


@pytest.fixture
def points(tmp_path: Path) -> list[str]:
    workspace = Workspace(tmp_path / "points").make()
    drop(workspace, CONTENTS)
    return points_of(lambda: the_pass(workspace))


def kill_at(tmp_path: Path, nth: int, expected: dict[str, str]) -> None:
    workspace = Workspace(tmp_path / f"killed-{nth}").make()
    drop(workspace, CONTENTS)
    assert not in_a_child(killed_at(nth, lambda: the_pass(workspace)))
    prove(workspace, CONTENTS)
    assert in_a_child(lambda: the_pass(workspace))
    prove(workspace, CONTENTS)
    assert outputs(workspace) == expected
    assert not list((workspace.outbox / ".scratch").iterdir())
    assert not list(workspace.inbox.iterdir())
    shutil.rmtree(workspace.root)


def test_every_named_step_is_on_the_way(points: list[str]) -> None:
    """A step that no pass reaches proves nothing."""
    wanted = {
        "copy", "copy chunk", "claim", "scratch", "run", "receipt", "flush", "sync", "rename", "flush names", "append",
        "claim input", "remove input", "quarantine", "quarantine rename",
    }  # fmt: skip
    assert wanted <= set(points)


def test_a_kill_at_each_kind_of_step(tmp_path: Path, points: list[str]) -> None:
    """The first and the last step of each name."""
    expected = undisturbed(tmp_path / "undisturbed", CONTENTS)
    firsts = {point: n for n, point in reversed(list(enumerate(points)))}
    lasts = {point: n for n, point in enumerate(points)}
    for nth in sorted({*firsts.values(), *lasts.values()}):
        kill_at(tmp_path, nth, expected)


@pytest.mark.soak
def test_a_kill_at_every_single_step(tmp_path: Path, points: list[str]) -> None:
    expected = undisturbed(tmp_path / "undisturbed", CONTENTS)
    for nth in range(len(points)):
        kill_at(tmp_path, nth, expected)


def test_kills_at_random_times_under_load(tmp_path: Path) -> None:
    kills, jobs = random_kills(tmp_path, 12, seed=20)
    assert kills == 12
    assert jobs


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(20))
def test_a_thousand_kills_at_random_times_under_load(tmp_path: Path, seed: int) -> None:
    kills, _ = random_kills(tmp_path, 50, seed)
    assert kills == 50
    shutil.rmtree(tmp_path)


def test_a_kill_while_the_next_attempt_is_written_down(tmp_path: Path) -> None:
    fine = tmp_path / "fine"

    def moody(inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
        if not fine.exists():
            raise Unavailable("not yet")
        return shout(inputs, out, attempt)

    stages = (dataclasses.replace(UPPER, run=moody), *PIPELINE[1:])
    contents = [b"one", b"two words"]

    def fresh(name: str) -> Workspace:
        workspace = Workspace(tmp_path / name).make()
        drop(workspace, contents)
        return workspace

    first = fresh("points")
    points = points_of(lambda: the_pass(first, stages))
    assert {"schedule", "write", "replace"} <= set(points)
    expected = undisturbed(tmp_path / "undisturbed", contents)
    for nth, point in enumerate(points):
        if point in ("schedule", "write", "replace"):
            workspace = fresh(f"killed-{nth}")
            assert not in_a_child(killed_at(nth, lambda workspace=workspace: the_pass(workspace, stages)))
            prove(workspace, contents, stages)
            fine.touch()
            assert in_a_child(lambda workspace=workspace: the_pass(workspace, stages))
            fine.unlink()
            prove(workspace, contents, stages)
            assert outputs(workspace) == expected
            assert not list(read_all(workspace.state / "retry"))


def test_a_kill_where_a_job_succeeds_after_all(tmp_path: Path) -> None:
    """Between the rename and the note of it: what was to be tried again must not be left so."""
    contents = [b"one", b"two words"]

    def failed(name: str) -> Workspace:
        def fail(inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
            raise Unavailable("not yet")

        workspace = Workspace(tmp_path / name).make()
        drop(workspace, contents)
        the_pass(workspace, (dataclasses.replace(UPPER, run=fail), *PIPELINE[1:]))
        return workspace

    first = failed("points")
    points = points_of(lambda: the_pass(first))
    expected = undisturbed(tmp_path / "undisturbed", contents)
    for nth in [n for n, point in enumerate(points) if point in ("rename", "flush names")]:
        workspace = failed(f"killed-{nth}")
        assert not in_a_child(killed_at(nth, lambda workspace=workspace: the_pass(workspace)))
        assert in_a_child(lambda workspace=workspace: the_pass(workspace))
        prove(workspace, contents)
        assert outputs(workspace) == expected
        assert not list(read_all(workspace.state / "retry"))
