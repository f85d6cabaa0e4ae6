"""A poller that is killed at any instruction: nothing lands twice, nothing is missed.

The kill is an exception that nobody catches, thrown at each durable step in turn; what is on disk then is what a
SIGKILL leaves. One test sends a real SIGKILL.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import load
from handlers.sources.github import Poller
from tests.servers.github import TOKEN, GitHub
from watcher import files
from watcher.settling import SIDECAR


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def github() -> Iterator[GitHub]:
    with GitHub() as server:
        server.add("acme/app")
        yield server


def offer(github: GitHub, count: int) -> list[str]:
    """Adds artifacts; returns their texts."""
    texts = [f"report {number}" for number in range(count)]
    for number, text in enumerate(texts):
        github.projects["acme/app"].add(text.encode(), f"scan-{number}")
    return texts


def poll(github: GitHub, root: Path) -> list[str]:
    settings = load(None, {"github": {"repositories": ["acme/app"], "api_url": github.url}})
    poller = Poller(settings, root, token=lambda url: TOKEN)
    try:
        return poller.poll().landed
    finally:
        poller.close()


def take(inbox: Path) -> list[str]:
    """What the engine would take: every visible file that is no sidecar; it must be whole and have its sidecar."""
    taken = []
    for path in sorted(inbox.iterdir()) if inbox.exists() else []:
        if not path.name.startswith(".") and not path.name.endswith(SIDECAR):
            assert path.with_name(path.name + SIDECAR).is_file()
            taken.append(path.read_text())
            path.unlink()
            path.with_name(path.name + SIDECAR).unlink()
    return taken


def count_steps(github: GitHub, root: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    steps: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(files, "reached", steps.append)
        poll(github, root)
    return len(steps)


@pytest.mark.parametrize("count", [1, pytest.param(3, marks=pytest.mark.soak)])
def test_a_kill_at_every_step(github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    texts = offer(github, count)
    steps = count_steps(github, tmp_path / "undisturbed", monkeypatch)
    assert steps > 7 * count
    for kill_at in range(steps):
        root = tmp_path / str(kill_at)
        left = [kill_at]

        def dies(step: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(files, "reached", dies)
            patched.setattr(os, "fsync", lambda handle: None)
            with pytest.raises(Killed):
                poll(github, root)
        taken = take(root / "inbox")  # the engine runs on meanwhile
        poll(github, root)
        taken += take(root / "inbox")
        assert sorted(taken) == texts, f"killed at step {kill_at}"
        assert [path.name for path in (root / "inbox").iterdir()] == []


PROGRAM = """
import sys
from pathlib import Path
from config.settings import load
from handlers.sources.github import Poller
settings = load(None, {"github": {"repositories": ["acme/app"], "api_url": sys.argv[1]}})
Poller(settings, Path(sys.argv[2]), token=lambda url: sys.argv[3]).poll()
"""


def test_a_real_kill_in_the_middle_of_a_download(github: GitHub, tmp_path: Path) -> None:
    offer(github, 2)
    command = [sys.executable, "-c", PROGRAM, github.url, str(tmp_path), TOKEN]
    with subprocess.Popen(command) as process:

        def kill(request: object) -> None:
            if len(github.storage.requests) == 0:
                process.send_signal(signal.SIGKILL)
                process.wait()

        github.storage.before = kill
        assert process.wait(60) == -signal.SIGKILL
    assert take(tmp_path / "inbox") == []
    github.storage.before = lambda request: None
    poll(github, tmp_path)
    assert len(take(tmp_path / "inbox")) == 2
    assert poll(github, tmp_path) == []


def test_a_torn_line_in_the_journal_did_not_happen(github: GitHub, tmp_path: Path) -> None:
    offer(github, 2)
    poll(github, tmp_path)
    (journal,) = tmp_path.glob("state/github/*/seen.jsonl")
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"id":"acme/app/artifact/1')
    github.projects["acme/app"].add(b"report 2", "scan-2")
    assert len(poll(github, tmp_path)) == 1
    assert journal.read_bytes().startswith(whole + b'{"id":"acme/app/artifact/1002"')
    assert poll(github, tmp_path) == []
