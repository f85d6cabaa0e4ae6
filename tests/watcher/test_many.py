"""A question costs no more among many jobs than among few: counted, not timed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from toy import PIPELINE, FakeClock, digest, one_pass

from watcher import explain
from watcher.explain import why
from watcher.failures import Retries, Schedule
from watcher.index import Index
from watcher.intake import Sighting
from watcher.ledger import Job
from watcher.requests import ask
from watcher.stage import ARTIFACTS
from watcher.workspace import Workspace


def grow(index: Index, count: int) -> None:
    keys = [digest(b"%d" % n) for n in range(count)]
    index.add([Job(ARTIFACTS, key, key, key, "00" * 16, "", False) for key in keys])


def steps(index: Index, question: Callable[[], object]) -> int:
    """Of SQLite's machine, for one question."""
    taken: list[int] = []
    index._database.set_progress_handler(lambda: taken.append(1), 1)
    question()
    index._database.set_progress_handler(None, 1)
    return len(taken)


def test_the_next_of_many_that_wait_costs_no_more_than_the_next_of_few(workspace: Workspace) -> None:
    with Index(workspace, PIPELINE) as index:
        grow(index, 100)
        few = steps(index, lambda: index.waiting("upper", 10, 50))
        grow(index, 2000)
        assert len(index.waiting("upper", 10, 50)) == 50
        assert steps(index, lambda: index.waiting("upper", 10, 50)) < 2 * few


def test_a_request_to_run_again_that_is_known_costs_no_more_among_many_than_among_few(workspace: Workspace) -> None:
    ask(workspace, "upper", digest(b"7"))
    with Index(workspace, PIPELINE) as index:
        grow(index, 100)
        assert index._read_again() == 1
        few = steps(index, index._read_again)
        grow(index, 2000)
        assert steps(index, index._read_again) < 2 * few
        assert [each.input for each in index.waiting("upper", 0, 3000) if each.again] == [digest(b"7")]


def test_a_lost_job_costs_no_more_among_many_than_among_few(workspace: Workspace) -> None:
    with Index(workspace, PIPELINE) as index:
        grow(index, 100)
        few = steps(index, lambda: index._lose(ARTIFACTS, bytes.fromhex(digest(b"7"))))
        grow(index, 2000)
        assert index.count("waiting", "upper") == 2000
        assert steps(index, lambda: index._lose(ARTIFACTS, bytes.fromhex(digest(b"7")))) < 2 * few
        assert index.count("waiting", "upper") == 1999
        assert not index.on(ARTIFACTS, digest(b"7"))


def test_a_job_is_found_by_its_input_among_many_as_soon_as_among_few(workspace: Workspace) -> None:
    with Index(workspace, PIPELINE) as index:
        grow(index, 100)
        few = steps(index, lambda: index.on(ARTIFACTS, digest(b"7")))
        grow(index, 2000)
        assert steps(index, lambda: index.on(ARTIFACTS, digest(b"7"))) < 2 * few
        assert steps(index, lambda: index.latest(ARTIFACTS, digest(b"7"))) < 2 * few
        assert index.latest(ARTIFACTS, digest(b"7"), since="2026") is None


def test_why_reads_the_books_once_however_many_came_under_one_name(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(6):
        (workspace.inbox / ("few" if n < 2 else "many")).write_bytes(b"words %d" % n)
        one_pass(workspace, clock)
    read: list[str] = []
    current, sightings = Index.current, explain.sightings

    def notes(workspace: Workspace) -> Iterator[Sighting]:
        read.append("sightings")
        return sightings(workspace)

    def jobs(index: Index, stage: str) -> list[Job]:
        read.append(stage)
        return current(index, stage)

    def asked(name: str, count: int) -> list[str]:
        read.clear()
        with Index(workspace, PIPELINE) as index:
            told = why(workspace, PIPELINE, index, Schedule(workspace, Retries()), clock, name)
        assert [(each.stage, each.state) for each in told].count(("count", "done")) == count
        assert all(each.names and each.names[0].startswith(name) for each in told if each.stage == ARTIFACTS)
        return sorted(read)

    monkeypatch.setattr(explain, "sightings", notes)
    monkeypatch.setattr(Index, "current", jobs)
    assert asked("few", 2) == asked("many", 4)
