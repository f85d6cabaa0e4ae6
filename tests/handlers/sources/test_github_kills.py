"""A poller that is killed at any instruction: nothing lands twice, nothing is missed.

The kill is an exception that nobody catches, thrown at each durable step in turn; what is on disk then is what a
SIGKILL leaves. One test sends a real SIGKILL.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import load
from handlers.sources import memory
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


def killed(github: GitHub, root: Path, kill_at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A poll that ends at its durable step of this number."""
    left = [kill_at]

    def dies(step: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(files, "reached", dies)
        patched.setattr(os, "fsync", lambda handle: None)
        with pytest.raises(Killed):
            poll(github, root)


@pytest.mark.parametrize("count", [1, pytest.param(3, marks=pytest.mark.soak)])
def test_a_kill_at_every_step(github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    texts = offer(github, count)
    steps = count_steps(github, tmp_path / "undisturbed", monkeypatch)
    assert steps > 7 * count
    for kill_at in range(steps):
        root = tmp_path / str(kill_at)
        killed(github, root, kill_at, monkeypatch)
        taken = take(root / "inbox")  # the engine runs on meanwhile
        poll(github, root)
        taken += take(root / "inbox")
        assert sorted(taken) == texts, f"killed at step {kill_at}"
        assert [path.name for path in (root / "inbox").iterdir()] == []


PROGRAM = """
import sys
from pathlib import Path
from config.settings import load
from handlers.sources import memory
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


def retain(github: GitHub, count: int) -> None:
    """GitHub forgets artifacts after their retention: only the newest stay listed."""
    del github.projects["acme/app"].artifacts[count:]


def test_the_journal_is_bounded_by_what_is_listed(
    github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "SPARE_LINES", 20)
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    longest, expected = 0, []
    for number in range(30):
        github.projects["acme/app"].add(f"report {number}".encode(), "scan")
        expected.append(f"report {number}")
        retain(github, 5)
        poll(github, tmp_path)
        (journal,) = tmp_path.glob("state/github/*/seen.jsonl")
        longest = max(longest, journal.read_bytes().count(b"\n"))
    assert longest <= 2 * 5 + 20 + 2
    assert sorted(take(tmp_path / "inbox")) == sorted(expected)
    for marks in tmp_path.glob("state/github/*/etags.json"):
        marks.unlink()  # everything that is listed is looked at again
    assert poll(github, tmp_path) == []


def test_a_kill_while_the_journal_is_shortened(github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "SPARE_LINES", 0)
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    offer(github, 3)
    poll(github, tmp_path / "before")
    taken = take(tmp_path / "before" / "inbox")
    github.projects["acme/app"].add(b"report 3", "scan-3")
    retain(github, 3)
    shutil.copytree(tmp_path / "before", tmp_path / "undisturbed")
    steps = count_steps(github, tmp_path / "undisturbed", monkeypatch)
    (journal,) = (tmp_path / "undisturbed").glob("state/github/*/seen.jsonl")
    assert journal.read_bytes().count(b"\n") == 3  # one line each of those that are listed
    for kill_at in range(steps):
        root = tmp_path / str(kill_at)
        shutil.copytree(tmp_path / "before", root)
        killed(github, root, kill_at, monkeypatch)
        found = take(root / "inbox")
        poll(github, root)
        assert taken + found + take(root / "inbox") == [*taken, "report 3"], f"killed at step {kill_at}"


def test_a_damaged_line_costs_one_item_and_is_said(
    github: GitHub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    offer(github, 3)
    poll(github, tmp_path)
    (journal,) = tmp_path.glob("state/github/*/seen.jsonl")
    lines = [line for line in journal.read_bytes().splitlines() if b'"landed"' in line]
    journal.write_bytes(b"\n".join([lines[0], lines[1][:-9] + lines[1], lines[2]]) + b"\n")
    for marks in tmp_path.glob("state/github/*/etags.json"):
        marks.unlink()
    assert len(poll(github, tmp_path)) == 1
    assert "line 2" in caplog.text
