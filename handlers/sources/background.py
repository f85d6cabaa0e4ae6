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

if TYPE_CHECKING:
    from handlers.sources.github import Poller, Report

log = logging.getLogger(__name__)
THREAD = "github-poller"
BLOCKED_SECONDS = 60.0
"""After a poll that could not even begin: another process polls, the disk is full."""
END_SECONDS = 5.0
"""A poll that is under way at the end is waited for so long; cut off, it goes on where it was next time."""


def until_stopped(poller: Poller, clock: Clock, tell: Callable[[Report], None], say: Callable[[str], None]) -> None:
    """Polls whenever it is due, until `poller.stopping` is set."""
    while not poller.stopping.is_set():
        least = 1.0
        if poller.due(clock.now()):
            try:
                tell(poller.poll(say))
            except JobError as fault:
                say(str(fault))
                least = BLOCKED_SECONDS
        clock.wait(poller.stopping, max(least, poller.next_due() - clock.now()))


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
