"""Events are hints: lost, doubled, from a dead observer or a network folder, the work gets done all the same."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import threading
from collections import namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from toy import PIPELINE, FakeClock, one_pass

from watcher import requests
from watcher.clock import SystemClock
from watcher.engine import Engine
from watcher.execute import Voice
from watcher.loop import watch
from watcher.overview import look_into_inbox
from watcher.tempo import Tempo
from watcher.wake import Wake, silent
from watcher.workspace import Workspace


@pytest.fixture
def flag() -> threading.Event:
    return threading.Event()


@pytest.fixture
def wake(workspace: Workspace, flag: threading.Event) -> Iterator[Wake]:
    wake = Wake(workspace.inbox, requests.bell_folder(workspace), flag, "auto")
    yield wake
    wake.stop()


def rings(flag: threading.Event, what: Callable[[], object]) -> bool:
    flag.clear()
    what()
    return flag.wait(60)


def test_a_drop_and_the_bell_set_the_flag(workspace: Workspace, wake: Wake, flag: threading.Event) -> None:
    wake.ensure()
    assert rings(flag, lambda: (workspace.inbox / "a").write_bytes(b"1"))
    assert rings(flag, lambda: requests.poke(workspace))


def test_a_dead_emitter_is_replaced(workspace: Workspace, wake: Wake, flag: threading.Event) -> None:
    wake.ensure()
    observer = wake._observer
    assert observer
    for emitter in list(observer.emitters):
        emitter.stop()
        emitter.join(10)
    assert observer.is_alive()
    assert rings(flag, wake.ensure), "whatever came meanwhile must be looked for"
    assert rings(flag, lambda: (workspace.inbox / "a").write_bytes(b"1"))


def test_a_replaced_folder_is_watched_again(workspace: Workspace, wake: Wake, flag: threading.Event) -> None:
    wake.ensure()
    workspace.inbox.rename(workspace.root / "old")
    workspace.inbox.mkdir()
    wake.ensure()
    assert rings(flag, lambda: (workspace.inbox / "a").write_bytes(b"1"))


def test_without_a_folder_the_engine_looks_by_itself(workspace: Workspace, wake: Wake) -> None:
    workspace.inbox.rmdir()
    wake.ensure()
    assert wake.polls


def test_a_state_that_somebody_cleared_is_made_anew(workspace: Workspace, wake: Wake, flag: threading.Event) -> None:
    shutil.rmtree(workspace.state)
    workspace.note_inbox()
    wake.ensure()
    assert not wake.polls
    assert rings(flag, lambda: requests.poke(workspace))


Mount = namedtuple("Mount", "device mountpoint fstype opts")


@pytest.mark.parametrize(
    ("fstype", "expected"), [("nfs4", True), ("cifs", True), ("fuse.sshfs", True), ("ext4", False), ("apfs", False)]
)
def test_network_folders_are_known_to_be_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fstype: str, expected: bool
) -> None:
    mounts = [Mount("a", "/", "ext4", ""), Mount("b", str(tmp_path), fstype, "")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: mounts)
    assert silent(tmp_path / "inbox") is expected
    assert Wake(tmp_path, tmp_path, threading.Event(), "auto").polls
    assert not silent(Path("/elsewhere"))


class Impatient(FakeClock):
    """Waiting takes no time, and no event ever comes; ends the watch after so many waits."""

    def __init__(self, stop: threading.Event, waits: int) -> None:
        super().__init__()
        self.stop, self.waits = stop, waits

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.waits -= 1
        if self.waits < 0:
            self.stop.set()
        self.pass_(max(seconds, 0.01))
        return False


def watched(workspace: Workspace, waits: int = 50) -> Engine:
    stop = threading.Event()
    clock = Impatient(stop, waits)
    with Engine(
        workspace, PIPELINE, Tempo(polling="always"), Voice(stopping=stop.is_set, clock=clock), patient=True
    ) as engine:
        watch(engine)
    return engine


def test_if_no_event_ever_comes_the_rescan_finds_everything(workspace: Workspace) -> None:
    for n in range(10):
        (workspace.inbox / str(n)).write_text(f"text {n}")
    assert watched(workspace).tally.done["count"] == 10


def test_a_storm_of_wakes_does_each_job_once(workspace: Workspace) -> None:
    stop = threading.Event()

    class Storm(SystemClock):
        def wait(self, event: threading.Event, seconds: float) -> bool:
            if engine.tally.done["count"] == 10:
                stop.set()
            engine.wake.set()
            return True

    for n in range(10):
        (workspace.inbox / str(n)).write_text(f"text {n}")
    voice = Voice(stopping=stop.is_set, clock=Storm())
    with Engine(workspace, PIPELINE, Tempo(settle_seconds=0.05), voice, patient=True) as engine:
        watch(engine)
    assert engine.tally.done["count"] == 10
    assert engine.tally.duplicates == 0


@pytest.mark.parametrize("jump", [86_400.0, -86_400.0])
def test_a_clock_that_jumps_does_not_stop_the_work(workspace: Workspace, jump: float) -> None:
    stop = threading.Event()

    class Jumping(Impatient):
        def wait(self, event: threading.Event, seconds: float) -> bool:
            if self.waits == 45:
                self.wall += jump
                (workspace.inbox / "late").write_bytes(b"late")
            return super().wait(event, seconds)

    (workspace.inbox / "early").write_bytes(b"early")
    voice = Voice(stopping=stop.is_set, clock=Jumping(stop, 50))
    with Engine(workspace, PIPELINE, Tempo(polling="always"), voice, patient=True) as engine:
        watch(engine)
    assert engine.tally.done["count"] == 2
    assert engine.tally.done["collect"] >= 1


def test_a_collection_waits_for_a_quiet_moment_and_then_for_its_interval(workspace: Workspace) -> None:
    quiet = dataclasses.replace(PIPELINE[2], quiet_seconds=30.0, interval_seconds=600.0)
    stop = threading.Event()
    built: list[float] = []

    class Dropping(Impatient):
        def wait(self, event: threading.Event, seconds: float) -> bool:
            if engine.tally.done["collect"] > len(built):
                built.append(self.wall)
                (workspace.inbox / "second").write_bytes(b"two words")
            if len(built) == 2:
                stop.set()
            return super().wait(event, min(seconds, 5.0))

    clock = Dropping(stop, 10_000)
    begin = clock.wall
    (workspace.inbox / "first").write_bytes(b"first")
    voice = Voice(stopping=stop.is_set, clock=clock)
    with Engine(workspace, (*PIPELINE[:2], quiet), Tempo(polling="always"), voice, patient=True) as engine:
        watch(engine)
    assert 30.0 <= built[0] - begin < 60.0
    assert 590.0 <= built[1] - built[0] < 700.0


def test_an_inbox_whose_volume_is_not_mounted_is_not_an_empty_inbox(
    workspace: Workspace, clock: FakeClock, tmp_path: Path
) -> None:
    command = ["mount", "-t", "tmpfs", "tmpfs", str(workspace.inbox)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let the tests mount a volume")
    try:
        (workspace.inbox / "a").write_bytes(b"one")
        assert one_pass(workspace, clock).done["artifacts"] == 1
    finally:
        subprocess.run(["umount", "-l", str(workspace.inbox)], check=True)
    (workspace.inbox / "b").write_bytes(b"dropped beside it")
    tally = one_pass(workspace, clock)
    assert "not mounted" in tally.gone
    assert tally.failed
    assert tally.done["artifacts"] == 0


def test_only_who_takes_files_notes_that_the_inbox_is_a_volume(
    workspace: Workspace, clock: FakeClock, small_disk: Path
) -> None:
    """Whoever asks leaves nothing behind, be it a folder."""
    workspace.inbox.rmdir()
    workspace.inbox.symlink_to(small_disk)
    workspace.state.rmdir()
    assert look_into_inbox(workspace, clock).gone == ""
    assert not workspace.state.exists()
    one_pass(workspace, clock)
    workspace.inbox.unlink()
    workspace.inbox.mkdir()
    assert "not mounted" in look_into_inbox(workspace, clock).gone


def test_an_inbox_elsewhere_that_is_away_keeps_no_other_work_waiting(workspace: Workspace, clock: FakeClock) -> None:
    (workspace.inbox / "a").write_bytes(b"one")
    assert one_pass(workspace, clock, PIPELINE[:1]).done["upper"] == 1
    workspace.inbox.rmdir()
    workspace.inbox.symlink_to("/no/such/volume")
    tally = one_pass(workspace, clock)
    assert tally.done["count"] == 1
    assert tally.gone == f"{workspace.inbox} is not there"
