"""What one process must stand while another is at work in the same workspace, moment by moment."""

from __future__ import annotations

import dataclasses
import fcntl
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from crash import prove
from toy import COUNT, PIPELINE, UPPER, FakeClock, digest, locked, one_pass

from watcher import files
from watcher.engine import Engine
from watcher.errors import Unavailable
from watcher.execute import Voice, execute_sources
from watcher.failures import Failure, Retries, Schedule, read_all, record
from watcher.index import Index
from watcher.lineage import sightings, trace
from watcher.locks import Busy, is_held
from watcher.loop import only_watcher
from watcher.overview import watched_by
from watcher.scratch import Scratch
from watcher.settling import Look, Settling
from watcher.sources import of_job
from watcher.tempo import Tempo
from watcher.tidy import clean_up
from watcher.workspace import Workspace


class Emptied(list[os.DirEntry[str]]):
    """A folder's entries, all of which are taken by somebody else before anyone looks at them."""

    def __init__(self, folder: Path) -> None:
        with os.scandir(folder) as entries:
            super().__init__(entries)
        for path in [entry.path for entry in self[:]]:
            Path(path).unlink()

    def __enter__(self) -> Emptied:
        return self

    def __exit__(self, *_: object) -> None:
        return


class Removed(Emptied):
    """A folder that is removed while its entries are being read."""

    def __iter__(self) -> Iterator[os.DirEntry[str]]:
        raise FileNotFoundError(2, "it is gone")


@pytest.mark.parametrize("fate", [Emptied, Removed])
def test_what_goes_between_the_listing_and_the_look_is_no_candidate(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, fate: type[Emptied]
) -> None:
    (workspace.inbox / "a").write_bytes(b"1")
    with monkeypatch.context() as patch:
        patch.setattr("watcher.settling.os", SimpleNamespace(**{**vars(os), "scandir": fate}))
        look = Settling(workspace.inbox, 0.0, clock, remove=True).look()
    assert not (workspace.inbox / "a").exists()
    assert look == Look()


def test_scratch_is_removed_under_its_lock_unless_somebody_works_there(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    abandoned = workspace.outbox / ".scratch" / "01" / "artifacts.0"
    held: list[bool] = []
    monkeypatch.setattr(files, "reached", lambda point: held.append(is_held(workspace.lock("scratch.01"))))
    with Scratch(workspace) as scratch:
        abandoned.mkdir(parents=True)
        scratch.path("upper").mkdir(parents=True)
        assert clean_up(workspace) == ["artifacts.0"]
        assert scratch.path("upper").exists()
        assert not abandoned.parent.exists()
    assert held == [True]


def test_what_a_dead_process_was_putting_into_quarantine_is_removed_and_nothing_else(workspace: Workspace) -> None:
    for name in ("999999999.dead", f"{os.getpid()}.alive", "somebody's"):
        (workspace.quarantine / ".scratch" / name).mkdir(parents=True)
    assert clean_up(workspace) == ["999999999.dead"]
    assert len(list((workspace.quarantine / ".scratch").iterdir())) == 2


def test_each_process_has_a_scratch_folder_of_its_own_and_finds_it_empty(workspace: Workspace) -> None:
    with Scratch(workspace) as first, Scratch(workspace) as second:
        assert first.path("job") != second.path("job")
    left = first.path("job")
    left.mkdir(parents=True)
    with Scratch(workspace) as third:
        assert third.path("job") == left
        assert not left.exists()


def test_two_may_remove_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    remove = shutil.rmtree

    def beaten(path: Path) -> None:
        (path / "b").rmdir()
        monkeypatch.setattr(shutil, "rmtree", remove)
        raise FileNotFoundError(2, "somebody was faster", str(path / "b"))

    monkeypatch.setattr(shutil, "rmtree", beaten)
    files.remove_tree(tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_who_asks_whether_a_workspace_is_watched_keeps_no_watcher_away(workspace: Workspace) -> None:
    assert watched_by(workspace) is None
    with locked(workspace.lock("watcher"), fcntl.LOCK_SH) as handle:
        assert watched_by(workspace) is None

        class LettingGo(FakeClock):
            def elapsed(self) -> float:
                self.steady += 0.01
                if self.steady > 100.02:
                    fcntl.flock(handle, fcntl.LOCK_UN)
                return self.steady

        with only_watcher(workspace, LettingGo()):
            assert watched_by(workspace) == f"process {os.getpid()}"


def test_a_watcher_that_stays_keeps_the_second_away(workspace: Workspace) -> None:
    class Passing(FakeClock):
        def elapsed(self) -> float:
            self.steady += 10.0
            return self.steady

    file = workspace.lock("watcher")
    file.with_name("watcher.holder").write_text("process 7")
    with (
        locked(file, fcntl.LOCK_EX),
        pytest.raises(Busy, match="watched already by process 7"),
        only_watcher(workspace, Passing()),
    ):
        pytest.fail("there are two")


def test_many_may_open_an_index_that_is_not_there_yet(tmp_path: Path) -> None:
    def jobs(n: int) -> int:
        with Index(Workspace(tmp_path / str(n // 8)).make(), PIPELINE) as index:
            return index.count("jobs", "upper")

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(jobs, range(64))) == [0] * 64


def test_a_process_with_fewer_stages_takes_nothing_from_one_with_more(workspace: Workspace, clock: FakeClock) -> None:
    (workspace.inbox / "a").write_bytes(b"one")
    one_pass(workspace, clock, (UPPER,))
    with Index(workspace, (UPPER, COUNT)) as more:
        with Index(workspace, (UPPER,)):
            more.refresh()
        assert more.count("waiting", "count") == 1


@pytest.mark.parametrize("name", [".DS_Store", "notes", "zz", "ab"])
def test_what_else_lies_in_the_outbox_is_no_job(workspace: Workspace, clock: FakeClock, name: str) -> None:
    (workspace.inbox / "a").write_bytes(b"one")
    one_pass(workspace, clock)
    (workspace.outbox / "upper" / name).mkdir(exist_ok=True)
    (workspace.outbox / "upper" / name / ("x" * 64)).touch()
    (workspace.outbox / "upper" / f"{name}-file").touch()
    (workspace.inbox / "b").write_bytes(b"two")
    assert one_pass(workspace, clock).done["count"] == 1


def test_the_same_input_may_be_quarantined_by_two_at_once(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace.inbox / "a").write_bytes(b"one")
    one_pass(workspace, clock, ())
    source = of_job(workspace.job("artifacts", digest(b"one")))

    def note(reason: str) -> None:
        failure = Failure("input", reason)
        record(workspace, Schedule(workspace, Retries()), UPPER, [source], failure, Voice(clock=clock))

    def other(point: str) -> None:
        if point == "quarantine rename":
            monkeypatch.setattr(files, "reached", lambda point: None)
            monkeypatch.setattr(os, "getpid", lambda: 1)
            note("the other's")

    monkeypatch.setattr(files, "reached", other)
    note("ours")
    assert [trouble.reason for trouble in read_all(workspace.quarantine)] == ["the other's"]
    assert not list((workspace.quarantine / ".scratch").iterdir())


def test_a_next_attempt_of_what_is_done_is_forgotten(workspace: Workspace, clock: FakeClock) -> None:
    """Whoever did it was killed before dropping the attempt."""
    (workspace.inbox / "a").write_bytes(b"one")
    one_pass(workspace, clock)
    source = of_job(workspace.job("artifacts", digest(b"one")))
    failure, voice = Failure("unavailable", "no network"), Voice(clock=clock)
    record(workspace, Schedule(workspace, Retries()), UPPER, [source], failure, voice)
    with Engine(workspace, PIPELINE, Tempo(), voice, patient=True) as engine:
        assert not list(read_all(workspace.state / "retry"))
        record(workspace, Schedule(workspace, Retries()), UPPER, [source], failure, voice)
        engine.rescan()
        assert not list(read_all(workspace.state / "retry"))
    prove(workspace, [b"one"])


def test_a_look_that_is_not_possible_now_is_taken_later(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Engine(workspace, PIPELINE, Tempo(settle_seconds=0.0), Voice(clock=clock), patient=True) as engine:

        def full() -> int:
            raise Unavailable("the index: database or disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(engine.index, "refresh", full)
            engine.rescan()
        assert engine.paused
        (workspace.inbox / "a").write_bytes(b"one")
        clock.pass_(60.0)
        while engine.round():
            pass
        assert engine.tally.done["count"] == 1


def test_an_input_that_cannot_be_asked_about_waits(workspace: Workspace, clock: FakeClock) -> None:
    def ready(inputs: list[Path]) -> str | None:
        return (inputs[0] / "gone").read_text()

    (workspace.inbox / "a").write_bytes(b"one")
    stages = (UPPER, dataclasses.replace(COUNT, ready=ready))
    assert "gone" in one_pass(workspace, clock, stages).held["count"]


def test_a_note_that_was_cut_short_spoils_no_later_one(workspace: Workspace, clock: FakeClock) -> None:
    (workspace.state / "sightings.jsonl").write_bytes(b'{"digest":"ab')
    (workspace.inbox / "a").write_bytes(b"one")
    one_pass(workspace, clock)
    assert [each.name for each in sightings(workspace)] == ["a"]


def test_who_finds_the_note_of_a_file_finds_its_job(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[int] = []
    (workspace.inbox / "a").write_bytes(b"one")
    with Index(workspace, PIPELINE) as index:

        def ask(point: str) -> None:
            if point == "claim input":  # the note is written, and the file about to go
                found.append(len(trace(workspace, PIPELINE, index, "a").became))

        monkeypatch.setattr(files, "reached", ask)
        one_pass(workspace, clock)
    assert found == [2]


def test_an_input_that_somebody_removed_is_no_failure(workspace: Workspace, clock: FakeClock) -> None:
    """As `prune` does with what was replaced, or a person with a folder of the outbox."""
    (workspace.inbox / "a").write_bytes(b"text")
    one_pass(workspace, clock, [UPPER])
    [made] = workspace.outbox.glob("upper/*/*")
    with Engine(workspace, PIPELINE, Tempo(0.0), Voice(clock=clock), patient=True) as engine:
        source = of_job(made)
        shutil.rmtree(made)
        engine.round()
        assert engine.busy
        with pytest.raises(Busy, match="was removed"):
            execute_sources(workspace, COUNT, [source], Voice(clock=clock))
        assert not engine.schedule.entries()
        engine.rescan()
        while engine.round():
            pass
    prove(workspace, [b"text"])
    assert len(list(workspace.outbox.glob("count/*/*"))) == 1
