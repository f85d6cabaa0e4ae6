"""Polling beside the watcher: on its schedule, and over when the watcher is."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest

from config.settings import Settings, load
from handlers.sources import background
from handlers.sources.background import THREAD, polling, until_stopped
from handlers.sources.github import Poller, Report
from tests.servers.github import TOKEN, GitHub
from watcher.clock import SYSTEM


class TurningClock:
    """Waiting moves it on; after so many waits it stops whom it waits for."""

    def __init__(self, waits: int) -> None:
        self.time, self.left = 1_800_000_000.0, waits
        self.waited: list[float] = []

    def now(self) -> float:
        return self.time

    def elapsed(self) -> float:
        return self.time

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.waited.append(seconds)
        self.time += seconds
        self.left -= 1
        if self.left <= 0:
            event.set()
        return event.is_set()


def wanted(github: GitHub, **more: object) -> Settings:
    return load(None, {"github": {"repositories": ["acme/app"], "api_url": github.url, **more}})


def polls() -> bool:
    return any(thread.name == THREAD for thread in threading.enumerate())


def test_every_five_minutes_give_or_take_a_tenth(tmp_path: Path) -> None:
    with GitHub() as github:
        github.add("acme/app").add(b"report")
        clock, reports, chances = TurningClock(4), [], iter([0.0, 1.0, 0.5, 0.25])
        poller = Poller(wanted(github), tmp_path, clock, token=lambda url: TOKEN, chance=lambda: next(chances))
        until_stopped(poller, clock, reports.append, print)
        poller.close()
    assert [len(report.landed) for report in reports] == [1, 0, 0, 0]
    assert [round(each) for each in clock.waited] == [270, 330, 300, 285]


def test_a_limit_is_not_run_into_twice(tmp_path: Path) -> None:
    with GitHub() as github:
        github.add("acme/app")
        github.fail("GET", "/artifacts", 429, Retry_After="2000")
        clock, reports = TurningClock(3), list[Report]()
        poller = Poller(wanted(github), tmp_path, clock, token=lambda url: TOKEN, chance=lambda: 0.5)
        until_stopped(poller, clock, reports.append, print)
        poller.close()
        assert [len(report.problems) for report in reports] == [1, 0, 0]
        assert [round(each) for each in clock.waited] == [2000, 300, 300]


def test_neither_a_bug_nor_a_disk_ends_the_polling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    faults: list[Exception] = [ValueError("not thought of"), OSError(errno.EIO, "the disk", "schedule.json")]
    due = Poller.due

    def fails_at_first(self: Poller, now: float) -> bool:
        if faults:
            raise faults.pop(0)
        return due(self, now)

    monkeypatch.setattr(Poller, "due", fails_at_first)
    with GitHub() as github:
        github.add("acme/app").add(b"report")
        clock, reports, said = TurningClock(3), list[Report](), list[str]()
        poller = Poller(wanted(github), tmp_path, clock, token=lambda url: TOKEN, chance=lambda: 0.5)
        until_stopped(poller, clock, reports.append, said.append)
        poller.close()
    assert [len(report.landed) for report in reports] == [1]
    assert [round(each) for each in clock.waited] == [900, 60, 300]
    assert "unexpected ValueError: not thought of" in caplog.text
    assert "the disk reports an input/output error" in said[0]


def test_within_watch_by_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setattr(background, "END_SECONDS", 60.0)  # the machine may be busy
    with GitHub() as github:
        github.add("acme/app").add(b"report")
        landed = threading.Event()
        github.before = lambda request: landed.set() if "/runs/" in request.path else None
        with polling(wanted(github), tmp_path / "off", SYSTEM):
            assert not polls()
        assert github.requests == []
        with polling(wanted(github, enabled=True), tmp_path / "on", SYSTEM):
            assert landed.wait(60)
            assert polls()
        assert not polls()
        assert len(list((tmp_path / "on" / "inbox").glob("[!.]*"))) == 2  # the artifact and its sidecar
