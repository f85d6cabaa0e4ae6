"""What the machine around the engine may say no to: it is told in words, harms one file at most, and passes."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from crash import drop, prove
from toy import COUNT, PIPELINE, UPPER, FakeClock, digest, one_pass

from watcher import files, quarantine, requests
from watcher.engine import Engine
from watcher.errors import JobError, Unavailable
from watcher.execute import Voice
from watcher.failures import read_all
from watcher.index import Index
from watcher.lineage import sightings
from watcher.stage import Attempt, Outcome
from watcher.tempo import Tempo
from watcher.workspace import Workspace

SFTP_SERVERS = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/libexec/sftp-server")


@contextlib.contextmanager
def limited(what: int, most: int) -> Iterator[None]:
    """A limit of this process, for a while."""
    soft, hard = resource.getrlimit(what)
    resource.setrlimit(what, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(what, (soft, hard))


@contextlib.contextmanager
def no_more_files() -> Iterator[None]:
    """This process can't open a single file."""
    with limited(resource.RLIMIT_NOFILE, 120), contextlib.ExitStack() as opened:
        with contextlib.suppress(OSError):
            while True:
                opened.enter_context(Path(os.devnull).open())
        yield


def test_a_folder_that_cannot_be_listed_is_a_passing_fault(tmp_path: Path) -> None:
    with no_more_files(), pytest.raises(Unavailable, match="too many files are open in this process"):
        files.names(tmp_path)
    assert files.names(tmp_path) == []
    assert files.names(tmp_path / "nothing") == []


def test_a_rename_that_is_refused_names_where_it_was_to_go() -> None:
    with pytest.raises(Unavailable, match=r"^/to/here: the operation is not permitted"), files.surroundings():
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), "/from/there", None, "/to/here")


def test_a_file_larger_than_the_outbox_takes_keeps_no_other_waiting(workspace: Workspace, clock: FakeClock) -> None:
    """A FAT volume takes none of 4 GB; here it is this process that may write none of 1 MB."""
    contents = [b"x" * 1_500_000, b"one", b"two"]
    drop(workspace, contents)
    with limited(resource.RLIMIT_FSIZE, 1_000_000):
        tally = one_pass(workspace, clock)
    assert [(each.name, each.why) for each in tally.unread] == [
        ("0", "it can't be taken: it has 1,500,000 bytes, and the outbox takes no such file")
    ]
    assert (tally.done["count"], tally.held, tally.failed) == (2, {}, True)
    prove(workspace, contents)
    assert not one_pass(workspace, clock).failed
    prove(workspace, contents)


def test_what_could_not_be_removed_from_the_inbox_is_removed_once_that_is_allowed(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(workspace, [b"one", b"two"])
    real, tried = os.rename, list[Path]()

    def refuse(path: str | Path, target: str | Path) -> None:
        if Path(path).parent != workspace.inbox:
            return real(path, target)
        tried.append(Path(path))
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), str(path))

    with Engine(workspace, PIPELINE, Tempo(settle_seconds=0.0), Voice(clock=clock), patient=True) as engine:
        with monkeypatch.context() as patch:
            patch.setattr(os, "rename", refuse)
            for _ in range(4):
                engine.round()
                engine.inbox.look_soon()
        assert [each.why for each in engine.tally.unread] == [
            "it is accepted, but can't be removed from the inbox: Operation not permitted"
        ] * 2
        assert len(tried) > 2
        engine.inbox.look_soon()
        engine.round()
        assert list(workspace.inbox.iterdir()) == []
        assert engine.tally.unread == []
        assert engine.tally.duplicates == 0
    assert len(list(sightings(workspace))) == 2
    prove(workspace, [b"one", b"two"])


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


def test_a_volume_that_went_away_and_came_back_is_found_again(workspace: Workspace, clock: FakeClock) -> None:
    """What was open on it answers nothing any more, here the index."""
    with Engine(workspace, PIPELINE, Tempo(settle_seconds=0.0), Voice(clock=clock), patient=True) as engine:
        drop(workspace, [b"one"])
        assert engine.round()
        engine.index._database.close()
        engine.index._database = sqlite3.connect(":memory:", isolation_level=None)
        drop(workspace, [b"two"], "later")
        engine.rescan()
        assert "the index" in engine.tally.held["workspace"]
        for _ in range(20):
            engine.round()
            clock.pass_(60.0)
        assert engine.tally.done["count"] == 2
        assert "workspace" not in engine.tally.held
    prove(workspace, [b"one", b"two"])


def test_a_folder_that_answers_nothing_for_a_while_ends_no_watcher(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.lstat

    def gone(path: str | Path, *, dir_fd: int | None = None) -> os.stat_result:
        if str(path).startswith(str(workspace.outbox)):
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN), str(path))
        return real(path, dir_fd=dir_fd)

    with Engine(workspace, PIPELINE, Tempo(settle_seconds=0.0), Voice(clock=clock), patient=True) as engine:
        drop(workspace, [b"one"])
        assert engine.round()
        with monkeypatch.context() as patch:
            patch.setattr(os, "lstat", gone)
            engine.rescan()
            assert "the network folder went away" in engine.tally.held["workspace"]
            clock.pass_(60.0)
            assert not engine.round()
        drop(workspace, [b"two"], "later")
        for _ in range(20):
            engine.round()
            clock.pass_(60.0)
    prove(workspace, [b"one", b"two"])


def test_names_that_somebody_has_cleared_away_cannot_be_made_durable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="is gone"):
        files.sync_names([str(tmp_path / "shard" / "job")])


@pytest.mark.parametrize("below", ["", "deeper", "deeper/still"])
def test_what_lies_in_place_of_a_folder_is_named(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("/no/such/volume")
    with pytest.raises(JobError, match=r"/file: something that is no folder lies there — move it away"):
        files.make_folder(tmp_path / "file" / below)
    with pytest.raises(Unavailable, match=r"/link: this symbolic link leads to no folder — mount what it leads to"):
        files.make_folder(tmp_path / "link" / below)


def test_a_link_to_a_volume_that_went_away_ends_no_watcher(
    workspace: Workspace, clock: FakeClock, tmp_path: Path
) -> None:
    volume = tmp_path / "volume"
    workspace.outbox.rename(volume)
    workspace.outbox.symlink_to(volume)
    with Engine(workspace, PIPELINE, Tempo(settle_seconds=0.0), Voice(clock=clock), patient=True) as engine:
        drop(workspace, [b"one"])
        assert engine.round()
        volume.rename(tmp_path / "away")
        drop(workspace, [b"two"], "later")
        engine.inbox.look_soon()
        assert not engine.round()
        assert "leads to no folder" in engine.tally.held["workspace"]
        (tmp_path / "away").rename(volume)
        for _ in range(20):
            engine.round()
            clock.pass_(60.0)
        assert engine.tally.done["count"] == 2
    prove(workspace, [b"one", b"two"])


@pytest.fixture
def unmappable(tmp_path: Path) -> Iterator[Path]:
    """A folder, as over a network, whose files can't be mapped into memory."""
    server = next((each for each in map(Path, SFTP_SERVERS) if each.exists()), None)
    unmount = shutil.which("fusermount") or shutil.which("fusermount3")
    if not (server and unmount and shutil.which("sshfs")):
        pytest.skip("this machine has no sshfs")
    (command := tmp_path / "ssh").write_text(f"#!/bin/sh\nexec {server}\n")
    command.chmod(0o700)
    (tmp_path / "there").mkdir()
    (folder := tmp_path / "here").mkdir()
    mount = ["sshfs", "-o", f"ssh_command={command}", "-o", "direct_io", f"there:{tmp_path / 'there'}", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False, timeout=60).returncode:
        pytest.skip("this machine does not let the tests mount a folder")
    yield folder
    subprocess.run([unmount, "-u", "-z", str(folder)], check=True)


def test_a_folder_without_shared_memory_has_an_index_too(unmappable: Path, clock: FakeClock) -> None:
    workspace = Workspace(unmappable / "w").make()
    drop(workspace, [b"one", b"two"])
    assert one_pass(workspace, clock).done["count"] == 2
    file = workspace.state / "index.sqlite"
    before = file.stat().st_ino
    with Index(workspace, PIPELINE) as one, Index(workspace, PIPELINE) as other:
        one.settled("upper", digest(b"one"))
        assert other.count("jobs", "count") == 2
    assert file.stat().st_ino == before  # it was not made anew
    prove(workspace, [b"one", b"two"])


def test_a_process_that_can_not_be_started_just_now_ends_no_watcher(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    apart = dataclasses.replace(UPPER, command=(sys.executable, "-c", ""))
    with Engine(workspace, (apart,), Tempo(settle_seconds=0.0), Voice(clock=clock), patient=True) as engine:
        drop(workspace, [b"one"])
        with monkeypatch.context() as patch:
            patch.setattr(subprocess, "Popen", refuse)
            engine.round()
        assert engine.tally.held["workspace"].startswith("no process of upper can be started: Resource temporarily")
        clock.pass_(60.0)
        assert engine.round()
        assert engine.working
