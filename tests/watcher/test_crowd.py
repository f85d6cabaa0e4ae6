"""Watcher, passes, stages by hand, questions and tidying at the same time in one workspace: nobody stumbles."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from crash import prove, the_pass
from crowd import HERE

from watcher.again import retry_all
from watcher.failures import Retries, Schedule
from watcher.workspace import Workspace

ROLES = ("drop", "pass", "pass", "hand", "hand", "look", "look")


def start(role: str, workspace: Workspace, seed: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(HERE / "crowd.py"), role, str(workspace.root), seed]
    with (workspace.root / f"said-{role}-{seed}").open("ab") as said:
        return subprocess.Popen(command, stdout=said, stderr=said)


def crowd(workspace: Workspace, seconds: float, seed: int) -> int:
    """Returns how often the watcher was killed. Every other process must come to its end by itself."""
    chance, pause, kills = random.Random(seed), threading.Event(), 0
    others = [start(role, workspace, f"{seed}-{n}") for n, role in enumerate(ROLES)]
    watcher = start("watch", workspace, f"{seed}-{kills}")
    until = time.monotonic() + seconds
    while time.monotonic() < until and not any(each.poll() for each in others):
        pause.wait(chance.random() * 4)
        assert watcher.poll() is None, said(workspace)
        if chance.random() < 0.5:
            watcher.kill()
            watcher.wait()
            kills += 1
            watcher = start("watch", workspace, f"{seed}-{kills}")
    (workspace.root / "stop").touch()
    ends = [each.wait(120) for each in others]
    watcher.terminate()
    assert [*ends, watcher.wait(60)] == [0] * (len(others) + 1), said(workspace)
    return kills


def said(workspace: Workspace) -> str:
    return "\n".join(
        f"{file.name}: {text[-3000:]}"
        for file in sorted(workspace.root.glob("said-*"))
        if "Traceback" in (text := file.read_text()) or "another" in text
    )


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(int(os.environ.get("SCANTUNE_CROWDS", "4"))))
def test_many_processes_in_one_workspace_lose_nothing_and_never_stumble(workspace: Workspace, seed: int) -> None:
    assert crowd(workspace, 60.0, seed)
    retry_all(workspace, Schedule(workspace, Retries()))
    the_pass(workspace)
    prove(workspace, [])
    assert not list((workspace.outbox / ".scratch").iterdir())
    assert not [path for path in workspace.inbox.rglob("*") if path.is_file()]
    assert len(list(Path(workspace.outbox).glob("artifacts/*/*"))) > 100
