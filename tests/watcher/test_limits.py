"""A full disk, a read-only one, too many open files: nothing is lost, and it goes on by itself once that is mended."""

from __future__ import annotations

import contextlib
import dataclasses
import resource
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from crash import drop, prove
from toy import PIPELINE, UPPER, FakeClock, one_pass, shout

from watcher import files
from watcher.engine import Engine
from watcher.execute import Voice
from watcher.pressure import Machine, Pressure, machine_of
from watcher.stage import Attempt, Outcome
from watcher.tempo import Tempo
from watcher.workspace import Workspace

CONTENTS = [b"%d " % n * 20_000 for n in range(6)]


def fill(folder: Path, leave: int) -> Path:
    """Fills the volume up to some bytes."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as out:
        while True:
            try:
                out.write(bytes(4096))
            except OSError:
                break
    with ballast.open("r+b") as out:
        out.truncate(ballast.stat().st_size - leave)
    return ballast


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """The folder as a volume that can't be written to for now."""
    if subprocess.run(["mount", "--bind", str(folder), str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let the tests mount a folder on itself")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_volume_that_turns_read_only_for_a_while_loses_nothing(small_disk: Path, clock: FakeClock) -> None:
    workspace = Workspace(small_disk / "w").make()
    drop(workspace, CONTENTS)
    with Engine(workspace, PIPELINE, Tempo(settle_seconds=0.0), Voice(clock=clock), patient=True) as engine:
        with read_only(workspace.outbox):
            for _ in range(10):
                engine.round()
                clock.pass_(60.0)
            assert "the volume is read-only" in engine.tally.held["workspace"]
            assert len(list(workspace.inbox.iterdir())) == len(CONTENTS)
        while engine.round() or engine.paused:  # it tries again by itself
            clock.pass_(60.0)
        assert engine.tally.done["count"] == len(CONTENTS)
        assert "workspace" not in engine.tally.held
    prove(workspace, CONTENTS)


@pytest.mark.parametrize("leave", [0, 30_000, 150_000, 400_000])
def test_a_full_disk_loses_nothing(small_disk: Path, clock: FakeClock, leave: int) -> None:
    workspace = Workspace(small_disk / "w").make()
    one_pass(workspace, clock)
    drop(workspace, CONTENTS)
    with Engine(workspace, PIPELINE, Tempo(settle_seconds=0.0), Voice(clock=clock), patient=True) as engine:
        ballast = fill(small_disk, leave)
        for _ in range(10):
            engine.round()
        assert engine.paused or engine.schedule.entries()
        assert engine.tally.done["count"] < len(CONTENTS)
        ballast.unlink()
        for _ in range(20):  # it tries again by itself
            clock.pass_(60.0)
            engine.round()
    assert not one_pass(workspace, clock).failed
    prove(workspace, CONTENTS)
    assert len(list(workspace.outbox.glob("count/*/*"))) == len(CONTENTS)


def test_too_many_open_files_are_a_passing_fault(workspace: Workspace, clock: FakeClock) -> None:
    drop(workspace, CONTENTS)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Engine(workspace, PIPELINE, Tempo(settle_seconds=0.0), Voice(clock=clock), patient=True) as engine:
        handles: list[object] = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (120, hard))
        try:
            while True:
                handles.append(Path("/dev/null").open())  # noqa: SIM115 - held open on purpose
        except OSError:
            engine.round()
            assert engine.paused
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for handle in handles:
                handle.close()  # type: ignore[attr-defined]
        for _ in range(20):
            clock.pass_(60.0)
            engine.round()
        assert engine.tally.done["count"] == len(CONTENTS)
    prove(workspace, CONTENTS)


def test_a_state_that_somebody_clears_ends_no_watcher_that_asks_for_room(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    pressure = Pressure(machine_of(workspace.state), 0, 0, 0.0)
    stages = (UPPER, dataclasses.replace(PIPELINE[1], lock="toy-device"))
    with Engine(
        workspace, stages, Tempo(settle_seconds=0.0), Voice(clock=clock), patient=True, pressure=pressure
    ) as engine:
        drop(workspace, [b"one"])
        assert engine.round()
        shutil.rmtree(workspace.state)
        engine.round()
        drop(workspace, [b"two"], "later")
        engine.inbox.look_soon()
        assert engine.round()
        assert engine.tally.done["count"] == 2


def test_an_accelerator_is_held_back_while_the_machine_is_short_and_light_stages_are_not(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    machine = Machine(10**12, 10**12, None)

    def look(inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
        return shout([inputs[0] / "text"], out, attempt)

    heavy = dataclasses.replace(UPPER, name="heavy", accepts=("upper",), run=look, lock="toy-device")
    drop(workspace, [b"text"])
    pressure = Pressure(lambda: machine)
    with Engine(
        workspace, (UPPER, heavy), Tempo(settle_seconds=0.0), Voice(clock=clock), patient=True, pressure=pressure
    ) as engine:
        for short, said in (
            (dataclasses.replace(machine, free_disk=10**6), "disk space"),
            (dataclasses.replace(machine, free_memory=10**6), "memory"),
            (dataclasses.replace(machine, battery_percent=12.0), "the battery is at 12 %"),
        ):
            sound, machine = machine, short
            engine.rescan()
            while engine.round():
                pass
            assert said in engine.pending.held["heavy"]
            assert engine.tally.done["upper"] == 1
            machine = sound
        engine.rescan()
        while engine.round():
            pass
        assert engine.tally.done["heavy"] == 1


@pytest.mark.parametrize("count", [1, 2, 9])
def test_on_a_mac_all_is_handed_to_the_drive_and_then_its_memory_is_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """fsync(2) does not flush the drive there."""
    folders = [tmp_path / str(n) for n in range(count)]
    for folder in folders:
        folder.mkdir()
        (folder / "text").write_bytes(b"text")
    done: list[str] = []
    full = SimpleNamespace(F_FULLFSYNC=51, fcntl=lambda handle, how: done.append(f"full {how}"))
    monkeypatch.setattr(files, "sys", SimpleNamespace(platform="darwin"))
    monkeypatch.setattr(files, "fcntl", full)
    monkeypatch.setattr(files, "_libc", None)
    monkeypatch.setattr(files.os, "fsync", lambda handle: done.append("fsync"))
    files.sync_trees([str(folder) for folder in folders])
    assert done == ["fsync"] * 2 * count + ["full 51"]
