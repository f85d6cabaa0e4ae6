"""A newer program and an older workspace, and the other way round."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from handlers.cli import main as program
from handlers.cli.main import main
from handlers.service.upgrade import bring_up_to_date
from watcher.clock import SYSTEM
from watcher.errors import JobError, Unavailable
from watcher.loop import only_watcher
from watcher.workspace import Workspace


def rename_quarantine(root: Path) -> None:
    """A migration as one is to be: what is done already it leaves alone."""
    if (root / "rejected").is_dir():
        (root / "rejected").rename(root / "quarantine")


def test_the_program_migrates_what_an_older_one_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By any verb; the person's files are where they were, and the older program refuses from then on."""
    workspace = Workspace(tmp_path / "w").make()
    bring_up_to_date(workspace.root)
    (workspace.root / "quarantine").rename(workspace.root / "rejected")
    (workspace.root / "rejected" / "report.sarif").write_text("kept")
    (workspace.inbox / "next.sarif").write_text("dropped")
    with monkeypatch.context() as newer:
        newer.setattr(program, "bring_up_to_date", lambda root: bring_up_to_date(root, 2, {1: rename_quarantine}))
        assert main(["--workspace", str(workspace.root), "status", "--json"]) == 0
    assert (workspace.root / "quarantine" / "report.sarif").read_text() == "kept"
    assert (workspace.inbox / "next.sarif").read_text() == "dropped"
    capsys.readouterr()
    assert main(["--workspace", str(workspace.root), "status"]) == 1
    assert "was used by a newer scantune (state version 2, this one knows 1)" in capsys.readouterr().err


def test_nothing_is_migrated_under_a_running_watcher(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path).make()
    bring_up_to_date(tmp_path)
    with only_watcher(workspace, SYSTEM):
        with pytest.raises(Unavailable, match="a watcher of an older scantune is at work"):
            bring_up_to_date(tmp_path, 2, {1: rename_quarantine})
        assert bring_up_to_date(tmp_path) == []  # the same version is no matter
    assert bring_up_to_date(tmp_path, 2, {1: rename_quarantine}) == [1]


def test_an_older_workspace_comes_through_every_step(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    assert bring_up_to_date(tmp_path, 1, {}) == []
    steps: list[int] = []
    ways = {1: lambda root: steps.append(1), 2: lambda root: steps.append(2)}
    assert bring_up_to_date(tmp_path, 3, ways) == [1, 2] == steps
    assert bring_up_to_date(tmp_path, 3, ways) == []
    assert json.loads((tmp_path / "state" / "version.json").read_bytes()) == {"version": 3}


def test_a_migration_that_is_killed_is_run_again(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    bring_up_to_date(tmp_path, 1, {})

    def dies(root: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring_up_to_date(tmp_path, 3, {1: lambda root: None, 2: dies})
    assert bring_up_to_date(tmp_path, 3, {2: lambda root: None}) == [2]


def test_a_newer_workspace_is_not_touched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "state").mkdir()
    file = tmp_path / "state" / "version.json"
    file.write_bytes(msgspec.json.encode({"version": 99}))
    assert main(["--workspace", str(tmp_path), "service", "logs"]) == 1
    assert "newer scantune" in capsys.readouterr().err
    assert json.loads(file.read_bytes()) == {"version": 99}
    file.unlink()
    with pytest.raises(JobError, match="no way from state version 1"):
        bring_up_to_date(tmp_path, 3, {})
