"""Bad input, passing faults and bugs: who is tried again, when, and what the others do meanwhile."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest
from toy import COUNT, PIPELINE, UPPER, FakeClock, collected, digest, one_pass, shout

from watcher.again import retry_affected, retry_all, retry_some
from watcher.audit import audit
from watcher.engine import Engine
from watcher.errors import BadInput, Unavailable
from watcher.execute import Voice
from watcher.failures import Failure, Retries, Schedule, guarded, read_all, wait_seconds
from watcher.index import Index
from watcher.overview import overview
from watcher.requests import asked
from watcher.stage import Attempt, Outcome, Stage
from watcher.tempo import Tempo
from watcher.workspace import Workspace


class Weather:
    """A stage's run that fails as long as it is told to."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self, inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return shout(inputs, out, attempt)


def settle(engine: Engine) -> None:
    """Rounds until nothing moves."""
    engine.rescan()
    while engine.round():
        pass


def drop(workspace: Workspace, *contents: bytes) -> None:
    for content in contents:
        (workspace.inbox / digest(content)[:8]).write_bytes(content)


def test_waits_double_up_to_the_longest_with_jitter() -> None:
    retries = Retries(first_seconds=4.0, longest_seconds=60.0)
    for attempt, least in ((1, 4.0), (2, 8.0), (3, 16.0), (4, 32.0), (5, 60.0), (50, 60.0)):
        assert least <= wait_seconds(retries, attempt) <= min(least + 2.0, 60.0)
    assert len({wait_seconds(retries, 1) for _ in range(10)}) > 1


def test_a_passing_fault_is_tried_again_when_its_time_has_come(workspace: Workspace, clock: FakeClock) -> None:
    weather = Weather(Unavailable("no network"), Unavailable("no network"))
    stages = (dataclasses.replace(UPPER, run=weather), COUNT)
    drop(workspace, b"text")
    tempo = Tempo(settle_seconds=0.0)
    with Engine(workspace, stages, tempo, Voice(clock=clock), patient=True) as engine:
        settle(engine)
        trouble = engine.schedule.get("upper", digest(b"text"))
        assert trouble
        assert (trouble.attempts, trouble.reason) == (1, "no network")
        settle(engine)
        assert weather.calls == 1
    clock.wall = trouble.next
    with Engine(workspace, stages, tempo, Voice(clock=clock), patient=True) as engine:  # the schedule survived
        settle(engine)
        again = engine.schedule.get("upper", digest(b"text"))
        assert again
        assert again.attempts == 2
        assert again.next - clock.wall > trouble.next - 1_800_000_000.0
        clock.wall = again.next
        settle(engine)
        assert engine.tally.done["upper"] == 1
        assert not list(read_all(workspace.state / "retry"))


def test_a_clock_set_back_does_not_postpone_for_ever(workspace: Workspace, clock: FakeClock) -> None:
    weather = Weather(Unavailable("no network"))
    stages = (dataclasses.replace(UPPER, run=weather),)
    drop(workspace, b"text")
    with Engine(workspace, stages, Tempo(settle_seconds=0.0), Voice(clock=clock), patient=True) as engine:
        settle(engine)
        clock.wall -= 10 * 365 * 86_400
        settle(engine)
        assert engine.tally.done["upper"] == 1


def test_while_a_stage_finds_its_surroundings_missing_the_others_wait(workspace: Workspace, clock: FakeClock) -> None:
    weather = Weather(*[Unavailable("no mlx")] * 1000)
    drop(workspace, *(b"text %d" % n for n in range(50)))
    stages = (dataclasses.replace(UPPER, run=weather),)
    with Engine(workspace, stages, Tempo(settle_seconds=0.0), Voice(clock=clock), patient=True) as engine:
        settle(engine)
        assert weather.calls == 3
        assert "no mlx" in engine.pending.held["upper"]
        weather.errors.clear()
        clock.pass_(20.0)
        settle(engine)
        assert engine.tally.done["upper"] == 50


def test_a_single_pass_tries_each_once_whatever_the_schedule_says(workspace: Workspace, clock: FakeClock) -> None:
    weather = Weather(Unavailable("no network"))
    stages = (dataclasses.replace(UPPER, run=weather),)
    drop(workspace, b"text")
    tally = one_pass(workspace, clock, stages)
    assert tally.failed
    assert weather.calls == 1
    assert not one_pass(workspace, clock, stages).failed


def test_a_bug_is_tried_so_often_then_quarantined_with_its_traceback(workspace: Workspace, clock: FakeClock) -> None:
    weather = Weather(*[ZeroDivisionError("oops")] * 5)
    stages = (dataclasses.replace(UPPER, run=weather),)
    drop(workspace, b"text")
    for _ in range(5):
        assert one_pass(workspace, clock, stages).failed
    drop(workspace, b"fine")
    assert not one_pass(workspace, clock, stages).failed
    [trouble] = read_all(workspace.quarantine)
    assert (trouble.kind, trouble.attempts) == ("bug", 5)
    assert "ZeroDivisionError: oops" in trouble.trace
    assert weather.calls == 6


def test_a_quarantined_input_comes_back_when_asked_for(workspace: Workspace, clock: FakeClock) -> None:
    weather = Weather(BadInput("not now"))
    stages = (dataclasses.replace(UPPER, run=weather), COUNT)
    (workspace.inbox / "a.txt").write_bytes(b"text")
    assert one_pass(workspace, clock, stages).failed
    one_pass(workspace, clock, stages)
    assert weather.calls == 1
    assert retry_some(workspace, Schedule(workspace, Retries()), ["a.txt"]) == [f"upper/{digest(b'text')}"]
    tally = one_pass(workspace, clock, stages)
    assert (tally.done["upper"], tally.done["count"]) == (1, 1)
    assert not list(read_all(workspace.quarantine))
    with pytest.raises(BadInput, match=r"nothing that failed is known as a\.txt"):
        retry_some(workspace, Schedule(workspace, Retries()), ["a.txt"])


def test_what_fails_again_after_a_retry_is_quarantined_again_and_not_asked_for_any_more(
    workspace: Workspace, clock: FakeClock
) -> None:
    drop(workspace, b"\0")
    one_pass(workspace, clock)
    retry_all(workspace, Schedule(workspace, Retries()))
    assert one_pass(workspace, clock).failed
    assert not one_pass(workspace, clock).failed
    assert len(list(read_all(workspace.quarantine))) == 1


def test_a_request_for_a_set_that_a_newer_one_replaces_is_forgotten(workspace: Workspace, clock: FakeClock) -> None:
    """Nothing would ever carry it out, and status would count it for good."""
    newer = (*PIPELINE[:2], dataclasses.replace(PIPELINE[2], version="2"))
    drop(workspace, b"one")
    one_pass(workspace, clock)
    with Index(workspace, newer) as index:
        assert len(retry_affected(workspace, Schedule(workspace, Retries()), index, newer[2])) == 1
    drop(workspace, b"two words")
    assert one_pass(workspace, clock, newer).done["collect"] == 1
    assert asked(workspace, "collect") == []


def test_a_new_version_makes_stale_and_runs_again_only_when_asked(workspace: Workspace, clock: FakeClock) -> None:
    drop(workspace, b"one", b"two")
    one_pass(workspace, clock)
    newer = Stage("upper", "2", UPPER.accepts, lambda inputs, out, attempt: shout(inputs, out, attempt))
    stages = (newer, *PIPELINE[1:])
    assert not +one_pass(workspace, clock, stages).done
    with Index(workspace, stages) as index:
        assert len(index.stale(newer)) == 2
        assert len(retry_affected(workspace, Schedule(workspace, Retries()), index, newer)) == 2
    clock.pass_(10.0)
    tally = one_pass(workspace, clock, stages)
    assert tally.done["upper"] == 2
    assert tally.done["count"] == 0  # the same content came out: nothing after it is affected
    with Index(workspace, stages) as index:
        assert not index.stale(newer)
    assert not +one_pass(workspace, clock, stages).done


def test_what_is_made_anew_replaces_the_old_in_the_collection(workspace: Workspace, clock: FakeClock) -> None:
    drop(workspace, b"one two")
    one_pass(workspace, clock)

    def twice(inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
        (out / "text").write_bytes(inputs[0].read_bytes() * 2)
        return Outcome()

    newer = dataclasses.replace(UPPER, version="2", run=twice)
    stages = (newer, *PIPELINE[1:])
    with Index(workspace, stages) as index:
        retry_affected(workspace, Schedule(workspace, Retries()), index, newer)
    clock.pass_(10.0)
    tally = one_pass(workspace, clock, stages)
    assert collected(workspace, tally) == b"[3]"


def test_guarded_lets_an_interrupt_through() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        guarded(interrupt)
    failure = guarded(lambda: 1 // 0)
    assert isinstance(failure, Failure)
    assert failure.kind == "bug"


def test_what_people_put_into_the_quarantine_is_nobodys_input(
    workspace: Workspace, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    drop(workspace, b"\0")
    one_pass(workspace, clock)
    (workspace.quarantine / "upper" / "Thumbs.db").touch()
    (workspace.quarantine / "upper" / "mended").mkdir()
    (workspace.quarantine / "note.txt").touch()
    caplog.clear()
    assert not +one_pass(workspace, clock).done
    with Index(workspace, PIPELINE) as index:
        assert audit(workspace, PIPELINE, index, Schedule(workspace, Retries())).balanced
        assert overview(workspace, PIPELINE, index, Retries(), clock).stages[1].quarantined == 1
    assert caplog.messages == []
