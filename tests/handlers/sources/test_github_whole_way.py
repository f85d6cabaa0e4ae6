"""From GitHub to a finding's provenance, by the real watcher in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.servers.github import TOKEN, GitHub
from watcher.lineage import sightings
from watcher.workspace import Workspace

REPORT = json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Made"}}, "results": []}]}).encode()
PATIENCE_SECONDS = 90


def test_what_the_watcher_polls_is_taken_with_its_origin(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    with GitHub() as github:
        number = github.add("acme/app").add(REPORT, "made-results", branch="main")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SCANTUNE_")},
            "GITHUB_TOKEN": TOKEN,
            "SCANTUNE_GITHUB__ENABLED": "true",
            "SCANTUNE_GITHUB__REPOSITORIES": '["acme/app"]',
            "SCANTUNE_GITHUB__API_URL": github.url,
            "SCANTUNE_INTAKE__SETTLE_SECONDS": "0",
            "SCANTUNE_FINE_TUNING__SKIP_IN_DAEMON": "true",
            "SCANTUNE_LOG__FORMAT": "json",
        }
        command = [sys.executable, "-m", "handlers.cli.main", "--workspace", str(workspace.root), "watch"]
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as watcher:
            seen = wait_for(workspace, watcher)
            assert json.loads((workspace.root / "state" / "heartbeat.json").read_bytes())["process"] == watcher.pid
            watcher.send_signal(signal.SIGTERM)
            _, said = watcher.communicate(timeout=PATIENCE_SECONDS)
    assert watcher.returncode == 0, said
    assert not (workspace.root / "state" / "heartbeat.json").exists()
    assert seen["repository"] == "acme/app"
    assert (seen["artifact_id"], seen["branch"], seen["workflow"], seen["private"]) == (
        number,
        "main",
        "Security",
        True,
    )
    lines = (workspace.root / "state" / "logs" / "scantune.log").read_text().splitlines()
    assert "made-results" in "".join(json.loads(line)["message"] for line in lines)
    assert TOKEN not in said + "".join(lines)


def wait_for(workspace: Workspace, watcher: subprocess.Popen[str]) -> dict[str, object]:
    """The provenance of the first file that the watcher takes."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and watcher.poll() is None:
        for each in sightings(workspace):
            return dict(each.provenance)
        time.sleep(0.05)  # another process is at work
    watcher.kill()
    raise AssertionError(f"nothing was taken; the watcher said: {watcher.communicate()[1]}")
