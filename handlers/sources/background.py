"""Polling within `watch`: beside the watcher, in a thread of its own, so that a slow network never holds it up."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from config.settings import Settings
from watcher.clock import Clock
from watcher.errors import JobError
from watcher.failures import Failure, guarded
from watcher.files import surroundings

if TYPE_CHECKING:
    from handlers.sources.github import Poller, Report

log = logging.getLogger(__name__)
THREAD = "github-poller"
BLOCKED_SECONDS = 60.0
"""After a poll that could not even begin: another process polls, the disk is full."""
BUG_SECONDS = 900.0
END_SECONDS = 5.0
"""How long a poll that is under way at the end is waited for; if it is cut off, the next one goes on from there."""


def until_stopped(poller: Poller, clock: Clock, tell: Callable[[Report], None], say: Callable[[str], None]) -> None:
    """Polls whenever it is due, until `poller.stopping` is set; not even a bug ends it before."""
    while not poller.stopping.is_set():
        pause = guarded(lambda: _turn(poller, clock, tell, say))
        if isinstance(pause, Failure):
            for line in (f"{pause.reason}; {pause.hint}", *pause.trace.splitlines()):
                log.error("%s", line)
            pause = BUG_SECONDS
        clock.wait(poller.stopping, pause)


def _turn(poller: Poller, clock: Clock, tell: Callable[[Report], None], say: Callable[[str], None]) -> float:
    """Polls if it is time; returns how long to wait then, in seconds."""
    try:
        with surroundings():
            if poller.due(clock.now()):
                tell(poller.poll(say))
            return max(1.0, poller.next_due() - clock.now())
    except JobError as fault:
        say(str(fault))
        return BLOCKED_SECONDS


@contextlib.contextmanager
def polling(settings: Settings, root: Path, clock: Clock) -> Iterator[None]:
    """Polls GitHub while the block runs, if the settings ask for it."""
    if not (settings.github.enabled and settings.github.repositories):
        yield
        return
    from handlers.sources.github import Poller

    with contextlib.closing(Poller(settings, root, clock)) as poller:
        arguments = (poller, clock, _told, log.info)
        thread = threading.Thread(target=until_stopped, args=arguments, name=THREAD, daemon=True)
        thread.start()
        try:
            yield
        finally:
            poller.stopping.set()
            thread.join(END_SECONDS)


def _told(report: Report) -> None:
    for label in report.expired:
        log.warning("not to be had: %s", label)
    for problem in report.problems:
        log.warning("%s", problem)
