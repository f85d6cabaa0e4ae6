"""From the inbox to an accepted artifact: nothing is lost, nothing taken twice."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from toy import FakeClock, digest, one_pass, write_or_skip

from watcher import files
from watcher.engine import Engine
from watcher.execute import Voice
from watcher.lineage import sightings
from watcher.loop import run_pass
from watcher.tempo import Tempo
from watcher.workspace import Workspace


def test_content_becomes_the_name_and_the_file_goes(workspace: Workspace, clock: FakeClock) -> None:
    (workspace.inbox / "a.txt").write_bytes(b"one")
    one_pass(workspace, clock)
    assert workspace.accepted(digest(b"one")).read_bytes() == b"one"
    assert not list(workspace.inbox.iterdir())


def test_the_same_content_under_two_names_is_one_artifact_with_two_sightings(
    workspace: Workspace, clock: FakeClock
) -> None:
    (workspace.inbox / "a").write_bytes(b"same")
    (workspace.inbox / "b").write_bytes(b"same")
    tally = one_pass(workspace, clock)
    (workspace.inbox / "c").write_bytes(b"same")
    one_pass(workspace, clock)
    assert (tally.done["artifacts"], tally.duplicates) == (1, 1)
    assert sorted(each.name for each in sightings(workspace)) == ["a", "b", "c"]
    assert not list(workspace.inbox.iterdir())


def test_a_sidecar_tells_where_a_file_comes_from_and_is_no_artifact(workspace: Workspace, clock: FakeClock) -> None:
    (workspace.inbox / "a.txt.scantune.json").write_text(json.dumps({"repository": "o/n", "run_id": 7}))
    (workspace.inbox / "a.txt").write_bytes(b"one")
    one_pass(workspace, clock)
    [sighting] = sightings(workspace)
    assert sighting.provenance == {"repository": "o/n", "run_id": 7}
    assert not list(workspace.inbox.iterdir())


def test_provenance_given_by_the_person_is_added(workspace: Workspace, clock: FakeClock) -> None:
    (workspace.inbox / "a.txt").write_bytes(b"one")
    with Engine(workspace, (), Tempo(), Voice(clock=clock), patient=False, provenance={"branch": "main"}) as engine:
        run_pass(engine)
    [sighting] = sightings(workspace)
    assert sighting.provenance == {"branch": "main"}


def test_a_broken_sidecar_does_not_keep_the_file_back(workspace: Workspace, clock: FakeClock) -> None:
    (workspace.inbox / "a.txt.scantune.json").write_bytes(b"[1, 2")
    (workspace.inbox / "a.txt").write_bytes(b"one")
    one_pass(workspace, clock)
    assert workspace.accepted(digest(b"one")).exists()


def test_paths_given_by_hand_stay_where_they_are(workspace: Workspace, clock: FakeClock, tmp_path: Path) -> None:
    folder = tmp_path / "given"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a").write_bytes(b"one")
    (folder / "b").write_bytes(b"two")
    tally = one_pass(workspace, clock, paths=[folder])
    assert tally.done["artifacts"] == 2
    assert (folder / "deep" / "a").exists()
    assert one_pass(workspace, clock, paths=[folder / "b"]).duplicates == 1


def test_a_folder_moved_in_is_taken_whole(workspace: Workspace, clock: FakeClock, tmp_path: Path) -> None:
    (tmp_path / "scan" / "deep").mkdir(parents=True)
    (tmp_path / "scan" / "a").write_bytes(b"one")
    (tmp_path / "scan" / "deep" / "b").write_bytes(b"two")
    (tmp_path / "scan").rename(workspace.inbox / "scan")
    assert one_pass(workspace, clock).done["artifacts"] == 2


def test_a_file_that_is_open_for_writing_is_waited_for(workspace: Workspace, clock: FakeClock) -> None:
    if os.uname().sysname != "Linux":
        pytest.skip("only Linux tells who has a file open for writing")
    with (workspace.inbox / "slow").open("wb") as writer:
        writer.write(b"first half")
        writer.flush()
        tally = one_pass(workspace, clock)
        assert (tally.unsettled, tally.failed) == (["slow"], True)
        writer.write(b", second half")
    assert one_pass(workspace, clock).done["artifacts"] == 1
    assert workspace.accepted(digest(b"first half, second half")).exists()


def test_new_content_under_the_same_name_is_never_removed_with_the_old(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever replaces the file at the worst moments finds it taken in its turn."""
    for n, point in enumerate(("copy", "copy chunk", "flush", "claim input", "remove input")):
        (workspace.inbox / "a").write_bytes(b"old %d" % n)

        def replace(reached: str, n: int = n, point: str = point) -> None:
            if reached == point:
                monkeypatch.setattr(files, "reached", lambda reached: None)
                (workspace.inbox / "new").write_bytes(b"new %d" % n)
                (workspace.inbox / "new").rename(workspace.inbox / "a")

        monkeypatch.setattr(files, "reached", replace)
        one_pass(workspace, clock)
        one_pass(workspace, clock)
        assert workspace.accepted(digest(b"new %d" % n)).exists(), point
        if point not in ("copy", "copy chunk"):
            assert workspace.accepted(digest(b"old %d" % n)).exists(), point
    assert not list(workspace.inbox.iterdir())


@pytest.mark.parametrize("name", ["x" * 255, "x" * 250 + ".zip", "two\nlines", os.fsdecode(b"\xff\xfe")])
def test_whatever_its_name_a_file_is_taken_once_and_goes(workspace: Workspace, clock: FakeClock, name: str) -> None:
    write_or_skip(workspace.inbox / name, b"one")
    assert one_pass(workspace, clock).done["artifacts"] == 1
    assert not list(workspace.inbox.iterdir())


@pytest.mark.parametrize("fault", [errno.EACCES, errno.EIO, errno.ETIMEDOUT])
def test_a_file_that_cannot_be_read_is_named_and_fails_the_pass(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, fault: int
) -> None:
    (workspace.inbox / "secret").write_bytes(b"one")
    (workspace.inbox / "open").write_bytes(b"two")
    real = files.open_regular

    def refuse(path: Path | str) -> int:  # the tests may run as root, whom no mode keeps out
        if Path(path).name == "secret":
            raise OSError(fault, os.strerror(fault), str(path))
        return real(path)

    monkeypatch.setattr(files, "open_regular", refuse)
    tally = one_pass(workspace, clock)
    assert [each.name for each in tally.unread] == ["secret"]
    assert tally.failed
    assert tally.done["artifacts"] == 1


@contextlib.contextmanager
def leased(file: Path) -> Iterator[None]:
    """As a file server does for its client; skips the test where there are no leases."""
    handle = os.open(file, os.O_RDWR)
    try:
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)  # which is ignored, while SIGIO ends the process
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except (AttributeError, OSError):
        os.close(handle)
        pytest.skip("there are no leases here")
    try:
        yield
    finally:
        os.close(handle)


def test_a_file_that_a_file_server_holds_for_its_client_is_waited_for(workspace: Workspace, clock: FakeClock) -> None:
    for name in ("held", "free"):
        (workspace.inbox / name).write_bytes(name.encode())
    with leased(workspace.inbox / "held"):
        tally = one_pass(workspace, clock)
    assert (tally.done["artifacts"], tally.unsettled) == (1, ["held"])
    assert one_pass(workspace, clock).done["artifacts"] == 1
    assert not list(workspace.inbox.iterdir())
