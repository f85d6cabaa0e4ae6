"""Which files are finished being written."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from toy import FakeClock, write_or_skip

from watcher.settling import ALONE_SECONDS, DONE, EMPTY_SECONDS, SIDECAR, WINDOW, Look, Settling


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def look_twice(inbox: Path, clock: FakeClock, seconds: float = 2.0) -> Look:
    settling = Settling(inbox, seconds, clock, remove=True)
    settling.look()
    clock.pass_(seconds)
    return settling.look()


def test_a_file_is_ready_after_lying_still_for_the_settling_time(inbox: Path, clock: FakeClock) -> None:
    (inbox / "a").write_bytes(b"1")
    settling = Settling(inbox, 2.0, clock, remove=True)
    first = settling.look()
    assert (first.ready, first.unsettled, first.due) == ([], ["a"], clock.elapsed() + 2.0)
    clock.pass_(1.9)
    assert not settling.look().ready
    clock.pass_(0.1)
    assert [each.name for each in settling.look().ready] == ["a"]


def test_a_write_begins_the_settling_time_anew(inbox: Path, clock: FakeClock) -> None:
    (inbox / "a").write_bytes(b"1")
    settling = Settling(inbox, 2.0, clock, remove=True)
    settling.look()
    clock.pass_(1.5)
    (inbox / "a").write_bytes(b"22")
    settling.look()
    clock.pass_(1.5)
    assert not settling.look().ready
    clock.pass_(0.5)
    assert settling.look().ready


def test_an_old_time_stamp_does_not_make_a_file_settled(inbox: Path, clock: FakeClock) -> None:
    (inbox / "a").write_bytes(b"1")
    os.utime(inbox / "a", (0, 0))
    assert not Settling(inbox, 2.0, clock, remove=True).look().ready


def test_new_content_of_the_same_size_and_time_is_noticed(inbox: Path, clock: FakeClock) -> None:
    (inbox / "a").write_bytes(b"1")
    os.utime(inbox / "a", (0, 0))
    settling = Settling(inbox, 2.0, clock, remove=True)
    settling.look()
    clock.pass_(2.0)
    (inbox / "b").write_bytes(b"2")
    os.utime(inbox / "b", (0, 0))
    (inbox / "b").rename(inbox / "a")
    assert not settling.look().ready


def test_a_done_marker_makes_a_file_ready_at_once(inbox: Path, clock: FakeClock) -> None:
    (inbox / "a").write_bytes(b"1")
    (inbox / "a.done").touch()
    assert [each.name for each in Settling(inbox, 2.0, clock, remove=True).look().ready] == ["a"]


def test_a_done_marker_of_an_earlier_file_says_nothing_of_a_later_one(inbox: Path, clock: FakeClock) -> None:
    """It landed after the file that it was meant for had been taken; the next one of that name is being written."""
    (inbox / "a.done").touch()
    os.utime(inbox / "a.done", (1_000_000, 1_000_000))
    (inbox / "a").write_bytes(b"half of")
    settling = Settling(inbox, 2.0, clock, remove=True)
    assert settling.look().unsettled == ["a"]
    clock.pass_(2.0)
    assert [each.name for each in settling.look().ready] == ["a"]


@pytest.mark.parametrize("name", ["a.part", "A.TMP", "a.crdownload", ".a.XyZ123", ".DS_Store", "a.scantune.json"])
def test_unfinished_and_hidden_files_and_sidecars_are_left_alone(inbox: Path, clock: FakeClock, name: str) -> None:
    (inbox / name).write_bytes(b"{}")
    assert not look_twice(inbox, clock).ready


def test_the_readme_of_the_inbox_is_no_input_but_one_in_a_folder_is(inbox: Path, clock: FakeClock) -> None:
    (inbox / "README.md").write_bytes(b"1")
    (inbox / "sub").mkdir()
    (inbox / "sub" / "README.md").write_bytes(b"1")
    assert [each.name for each in look_twice(inbox, clock).ready] == ["sub/README.md"]


@pytest.mark.parametrize("name", [b"not utf-8 \xff\xfe", b"two\nlines", b"x" * 255, b"-rf", b" "])
def test_any_name_will_do(inbox: Path, clock: FakeClock, name: bytes) -> None:
    write_or_skip(inbox / os.fsdecode(name), b"1")
    [candidate] = look_twice(inbox, clock).ready
    assert os.fsencode(candidate.name) == name


def test_what_is_no_regular_file_is_named_and_not_opened(
    inbox: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(inbox)  # a socket's path must be short
    os.mkfifo(inbox / "fifo")
    (inbox / "link").symlink_to("/etc/passwd")
    (inbox / "folder-link").symlink_to("/etc")
    server = socket.socket(socket.AF_UNIX)
    server.bind("socket")
    look = look_twice(inbox, clock)
    server.close()
    assert not look.ready
    assert sorted(each.name for each in look.odd) == ["fifo", "folder-link", "link", "socket"]
    assert "symbolic link" in next(each.why for each in look.odd if each.name == "link")


@pytest.mark.parametrize("ending", [SIDECAR, DONE])
def test_what_tells_of_a_file_that_never_comes_is_named_after_a_while(
    inbox: Path, clock: FakeClock, ending: str
) -> None:
    settling = Settling(inbox, 0.0, clock, remove=True)
    beside = inbox / f"report.json{ending}"
    beside.write_text("{}")
    os.utime(beside, (0, 0))  # as rsync keeps it
    for age, odd in ((ALONE_SECONDS - 1, 0), (ALONE_SECONDS + 1, 1)):
        clock.wall = beside.stat().st_ctime + age
        look = settling.look()
        assert not look.ready
        assert [each.name for each in look.odd] == [beside.name] * odd
        assert all("a note on report.json, which is not there" in each.why for each in look.odd)
    (inbox / "report.json").write_text("{}")
    assert not settling.look().odd


def test_a_pipe_that_is_named_by_itself_is_named_too(tmp_path: Path, clock: FakeClock) -> None:
    os.mkfifo(tmp_path / "pipe")
    look = Settling(tmp_path / "pipe", 0.0, clock, remove=False).look()
    assert [each.name for each in look.odd] == ["pipe"]


def test_a_dropped_folder_is_removed_once_it_has_long_been_empty(inbox: Path, clock: FakeClock) -> None:
    (inbox / "a" / "b").mkdir(parents=True)
    settling = Settling(inbox, 0.0, clock, remove=True)
    settling.look()
    clock.pass_(EMPTY_SECONDS - 1)
    settling.look()
    assert (inbox / "a" / "b").exists()
    clock.pass_(1)
    settling.look()
    assert not (inbox / "a" / "b").exists()


def test_only_so_many_files_are_held_in_view(inbox: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.settling.WINDOW", 10)
    assert WINDOW > 10
    for n in range(25):
        (inbox / str(n)).touch()
    settling = Settling(inbox, 0.0, clock, remove=True)
    seen = set()
    while (look := settling.look()).ready:
        assert len(look.ready) <= 10
        for each in look.ready:
            seen.add(each.name)
            Path(each.path).unlink()
    assert len(seen) == 25


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every folder")
def test_a_folder_that_may_be_listed_but_not_entered_is_named(inbox: Path, clock: FakeClock) -> None:
    (inbox / "closed").mkdir()
    (inbox / "closed" / "a").write_bytes(b"1")
    (inbox / "b").write_bytes(b"2")
    (inbox / "closed").chmod(0o400)
    try:
        look = Settling(inbox, 0.0, clock, remove=True).look()
    finally:
        (inbox / "closed").chmod(0o700)
    assert [each.name for each in look.ready] == ["b"]
    assert [each.name for each in look.odd] == ["closed/a"]
