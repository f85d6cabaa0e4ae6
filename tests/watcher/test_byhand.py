"""A stage by hand, a pass and their exit statuses, with the product's own stages."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from toy import COUNT

from handlers.byhand import listed
from watcher.children import Children
from watcher.clock import SYSTEM
from watcher.failures import Retries, Schedule
from watcher.pending import Ready
from watcher.sources import Source
from watcher.workspace import Workspace

pytestmark = pytest.mark.timeout(400)  # a busy machine takes its time to start processes
REPORT = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {"driver": {"name": "toy"}},
            "results": [
                {
                    "ruleId": "r1",
                    "message": {"text": "a flaw"},
                    "locations": [
                        {"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 3}}}
                    ],
                }
            ],
        }
    ],
}


@pytest.fixture
def report(tmp_path: Path) -> Path:
    file = tmp_path / "report.sarif"
    file.write_text(json.dumps(REPORT))
    return file


def call(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SCANTUNE_INTAKE__SETTLE_SECONDS": "0", "HOME": str(tmp_path)}
    return subprocess.run(
        [sys.executable, "-P", "-m", *words], capture_output=True, text=True, env=environment, check=False, timeout=100
    )


def payload(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "receipt.json"}


def test_by_hand_and_in_a_pass_the_outputs_are_the_same_bytes(tmp_path: Path, report: Path) -> None:
    by_hand = call(tmp_path, "handlers.analysis", "--workspace", str(tmp_path / "hand"), str(report))
    assert by_hand.returncode == 0, by_hand.stderr
    folder = Path(by_hand.stdout.strip())
    passed = Workspace(tmp_path / "pass").make()
    (passed.inbox / "another name").write_bytes(report.read_bytes())
    run = call(tmp_path, "handlers.cli.main", "--workspace", str(passed.root), "run", "--skip-fine-tuning")
    assert run.returncode == 0, run.stderr
    twin = passed.outbox / folder.relative_to(tmp_path / "hand" / "outbox")
    assert payload(folder) == payload(twin)
    again = call(tmp_path, "handlers.cli.main", "--workspace", str(passed.root), "run", "--skip-fine-tuning")
    assert again.returncode == 0
    assert "new" in again.stdout


def test_a_stage_by_hand_on_what_it_cannot_read(tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    result = call(tmp_path, "handlers.analysis", "--workspace", str(tmp_path / "w"), str(picture))
    assert (result.returncode, result.stdout) == (1, "")
    assert "PNG" in result.stderr
    assert call(tmp_path, "handlers.analysis", "--workspace", str(tmp_path / "w"), "nowhere").returncode == 1
    assert call(tmp_path, "handlers.analysis", "--workspace", str(tmp_path / "w")).returncode == 2


def test_an_outbox_of_its_own_leaves_the_workspace_alone(tmp_path: Path, report: Path) -> None:
    workspace = Workspace(tmp_path / "w").make()
    other = tmp_path / "other"
    words = ["--workspace", str(workspace.root), "run", "--skip-fine-tuning", "--output-dir", str(other)]
    run = call(tmp_path, "handlers.cli.main", *words, "--artifacts-dir", str(report.parent), "--branch", "main")
    assert list(other.glob("dataset/*/*/receipt.json")), run.stderr
    assert not any(workspace.outbox.iterdir())
    assert report.exists()
    assert '"branch":"main"' in (other / ".state" / "sightings.jsonl").read_text()


def test_a_list_of_paths_too_long_for_a_command_line_arrives_whatever_the_workspace_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.children.LONGEST_COMMAND", 0)
    root = tmp_path / os.fsdecode(b"two\nlines \xff")
    try:
        workspace = Workspace(root).make()
    except OSError:
        pytest.skip("the file system takes no such name")
    paths = [workspace.job("upper", f"{n:064x}") for n in range(3)]
    copy = "import shutil, sys; shutil.copy(sys.argv[2][1:], sys.argv[1])"
    stage = dataclasses.replace(COUNT, command=(sys.executable, "-c", copy, str(tmp_path / "list")))
    jobs = [Ready(stage, (Source(path, path.name, "upper", path.name),), path.name, again=False) for path in paths]
    children = Children(workspace, SYSTEM)
    children.start(stage, jobs, Schedule(workspace, Retries()))
    while not children.ended():
        threading.Event().wait(0.01)
    assert listed(f"@{tmp_path / 'list'}") == list(map(str, paths))


def test_a_list_by_hand_has_a_path_a_line(tmp_path: Path, report: Path) -> None:
    (tmp_path / "list").write_text(f"{report}\n")
    by_hand = call(tmp_path, "handlers.analysis", "--workspace", str(tmp_path / "w"), f"@{tmp_path / 'list'}")
    assert by_hand.returncode == 0, by_hand.stderr
    nothing = call(tmp_path, "handlers.analysis", "--workspace", str(tmp_path / "w"), "@nothing")
    assert (nothing.returncode, "nothing" in nothing.stderr) == (2, True)
