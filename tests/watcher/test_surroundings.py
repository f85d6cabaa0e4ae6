"""What the machine around the engine may say no to: it is told in words, harms one file at most, and passes."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from crash import drop, prove
from toy import COUNT, UPPER, FakeClock, digest, one_pass

from watcher import quarantine, requests
from watcher.failures import read_all
from watcher.stage import Attempt, Outcome
from watcher.workspace import Workspace


def refuse_links(*_: object, **__: object) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


@pytest.mark.parametrize("links", [True, False])
def test_a_large_file_in_quarantine_takes_no_second_place_on_the_disk(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    monkeypatch.setattr(quarantine, "LARGE", 1000)
    if not links:
        monkeypatch.setattr(os, "link", refuse_links)
    contents = [b"bad \0" * 1000, b"bad \0"]
    drop(workspace, contents)
    assert one_pass(workspace, clock).troubles
    assert len(list(read_all(workspace.quarantine))) == 2
    large, small = (workspace.quarantined("upper", digest(content)) / "artifact" for content in contents)
    accepted = workspace.accepted(digest(contents[0]))
    if links:
        assert large.samefile(accepted)
        assert accepted.stat().st_mode & 0o777 == 0o400  # whoever mends it does so in a file of their own
    else:
        assert not large.exists()
    assert small.read_bytes() == contents[1]
    assert not small.samefile(workspace.accepted(digest(contents[1])))
    prove(workspace, contents)


def test_too_little_memory_is_told_as_that(workspace: Workspace, clock: FakeClock) -> None:
    def greedy(inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
        raise MemoryError

    drop(workspace, [b"one"])
    tally = one_pass(workspace, clock, (UPPER, dataclasses.replace(COUNT, run=greedy)))
    [trouble] = tally.troubles.values()
    assert trouble.text() == "there was not enough memory for it — close other programs, or split the file"
    assert trouble.next > 0


def test_a_bell_that_cannot_be_seen_is_not_rung(workspace: Workspace) -> None:
    requests.poke(workspace)
    assert requests.poked(workspace)
    shutil.rmtree(workspace.state)
    workspace.state.touch()
    assert requests.poked(workspace) == 0
