"""What a long-lived watcher does besides watching: a log file that rotates, and a sign of life."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from importlib.metadata import version

from handlers.cli.context import Context
from handlers.service.heartbeat import Heartbeat
from handlers.service.logs import also_to_file
from handlers.service.unit import log_folder
from watcher.clock import Clock


@contextlib.contextmanager
def alive(context: Context, clock: Clock) -> Iterator[Heartbeat]:
    """Logs to a file too and keeps the heartbeat, which is gone after a clean end and stays after any other."""
    handler = also_to_file(log_folder(context.root), context.settings.log)
    heartbeat = Heartbeat(context.root / "state", version("scantune"))
    try:
        heartbeat.start(clock.now())
        yield heartbeat
        heartbeat.end()
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
