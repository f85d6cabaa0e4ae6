"""One file's fault is that file's alone: it hides no other, holds none up, and is told."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from crash import prove
from toy import PIPELINE, FakeClock, digest, one_pass

from watcher import files, inbox, intake, settling
from watcher.engine import Engine
from watcher.execute import Voice
from watcher.loop import run_pass
from watcher.shown import printable
from watcher.tempo import Tempo
from watcher.workspace import Workspace

FAULTS = ["EACCES", "EIO"]


@pytest.fixture
def few_in_view(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "WINDOW", 10)
    monkeypatch.setattr(inbox, "GROUP", 4)


def refused(monkeypatch: pytest.MonkeyPatch, fault: int, is_meant: Callable[[Path], bool]) -> None:
    """Files that can't be opened; the tests may run as root, whom no mode keeps out."""
    real = files.open_regular

    def refuse(path: Path | str) -> int:
        if is_meant(Path(path)):
            raise OSError(fault, os.strerror(fault), str(path))
        return real(path)

    monkeypatch.setattr(files, "open_regular", refuse)


def write(folder: Path, count: int, prefix: str = "") -> list[bytes]:
    folder.mkdir(exist_ok=True)
    contents = [f"{prefix}{n}".encode() for n in range(count)]
    for content in contents:
        (folder / content.decode()).write_bytes(content)
    return contents


@pytest.mark.usefixtures("few_in_view")
def test_a_folder_given_by_hand_is_taken_to_its_end(workspace: Workspace, clock: FakeClock, tmp_path: Path) -> None:
    contents = write(tmp_path / "given", 45)
    tally = one_pass(workspace, clock, paths=[tmp_path / "given"])
    assert (tally.done["artifacts"], tally.done["count"]) == (45, 45)
    assert not tally.failed
    prove(workspace, contents)


@pytest.mark.usefixtures("few_in_view")
@pytest.mark.parametrize("fault", FAULTS)
def test_many_files_that_cannot_be_read_hide_no_other(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    write(workspace.inbox, 35, "secret ")
    write(workspace.inbox, 5, "open ")
    refused(monkeypatch, getattr(errno, fault), lambda path: path.name.startswith("secret"))
    with Engine(workspace, PIPELINE, Tempo(settle_seconds=0.0), Voice(clock=clock), patient=True) as engine:
        rounds = 0
        while engine.round() or engine.inbox.look_at <= clock.elapsed():
            assert (rounds := rounds + 1) < 100, "it never comes to rest"
        assert engine.tally.done["count"] == 5
        assert len(engine.tally.unread) == 35
        monkeypatch.undo()
        engine.rescan()
        while engine.round() or engine.inbox.look_at <= clock.elapsed():
            pass
        assert engine.tally.done["count"] == 40
        assert engine.tally.unread == []


@pytest.mark.usefixtures("few_in_view")
def test_a_file_that_cannot_be_read_fails_the_pass_in_whichever_group_it_is(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(workspace.inbox, 9)
    for n in range(9):
        with monkeypatch.context() as patch:
            refused(patch, errno.EACCES, lambda path, name=str(n): path.name == name)
            assert [each.name for each in one_pass(workspace, clock).unread] == [str(n)]
        write(workspace.inbox, 9)


def test_a_file_whose_content_cannot_be_read_is_told_and_the_others_are_taken(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(workspace.inbox, 3)
    bad = (workspace.inbox / "1").stat().st_ino
    real = os.read

    def read(handle: int, size: int) -> bytes:
        if os.fstat(handle).st_ino == bad:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(handle, size)

    monkeypatch.setattr(os, "read", read)
    tally = one_pass(workspace, clock)
    assert [(each.name, each.why) for each in tally.unread] == [
        ("1", "it can't be taken: the disk reports an input/output error")
    ]
    assert tally.done["count"] == 2


@pytest.mark.parametrize("fault", FAULTS)
def test_an_outbox_that_cannot_be_written_is_told_as_that(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    contents = write(workspace.inbox, 3)
    code = getattr(errno, fault)

    def refuse(folder: str) -> None:
        raise OSError(code, os.strerror(code), folder)

    with monkeypatch.context() as patch:
        patch.setattr(files, "fresh_folder", refuse)
        tally = one_pass(workspace, clock)
    assert str(workspace.outbox) in tally.held["workspace"]
    assert tally.unread == []
    assert one_pass(workspace, clock).done["count"] == 3
    prove(workspace, contents)


def test_what_a_full_disk_kept_from_joining_its_group_is_taken_in_the_same_pass(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = write(workspace.inbox, 3)
    copies = iter([None, errno.ENOSPC, None, None])

    def full(point: str) -> None:
        if point == "copy" and (code := next(copies)):
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr(files, "reached", full)
    assert one_pass(workspace, clock).done["count"] == 3
    prove(workspace, contents)


def test_a_file_too_large_for_the_disk_keeps_no_other_waiting(
    small_disk: Path, clock: FakeClock, tmp_path: Path
) -> None:
    write(tmp_path / "given", 3)
    with (tmp_path / "given" / "huge").open("wb") as huge:
        huge.truncate(intake.LARGE + 1)
    tally = one_pass(Workspace(small_disk / "w"), clock, paths=[tmp_path / "given"])
    assert tally.done["count"] == 3
    assert [each.name for each in tally.unread] == ["huge"]
    assert "the disk has room for" in tally.unread[0].why
    assert tally.failed


def test_a_folder_too_deep_to_be_named_is_told_and_the_others_are_taken(workspace: Workspace, clock: FakeClock) -> None:
    (workspace.inbox / "a").write_bytes(b"one")
    handle = os.open(workspace.inbox, os.O_RDONLY)
    for _ in range(25):  # a path may have 4,096 bytes, or 1,024
        os.mkdir("d" * 200, dir_fd=handle)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(handle)
    tally = one_pass(workspace, clock)
    assert tally.done["count"] == 1
    assert [os.strerror(errno.ENAMETOOLONG) in each.why for each in tally.odd] == [True]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\x1b[2Jred", "\\x1b[2Jred"),
        ("two\nlines\r", "two\\nlines\\r"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("报告 ü\u202fPM.json", "报告 ü\u202fPM.json"),
        (os.fsdecode(b"\xff"), "\\xff"),
    ],
)
def test_a_name_is_shown_on_one_line_and_does_nothing_to_a_terminal(name: str, shown: str) -> None:
    assert printable(name) == shown


def test_whoever_waits_for_the_intake_can_be_asked_to_end(workspace: Workspace, clock: FakeClock) -> None:
    (workspace.inbox / "a").write_bytes(b"one")
    asked = iter([False, False])
    voice = Voice(clock=clock, stopping=lambda: next(asked, True))
    with workspace.lock("intake").open("w") as somebody:
        fcntl.flock(somebody, fcntl.LOCK_EX)
        with Engine(workspace, PIPELINE, Tempo(0.0), voice, patient=False) as engine:
            assert run_pass(engine).stopped
    assert not workspace.accepted(digest(b"one")).exists()
