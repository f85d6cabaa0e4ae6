"""What a long-lived watcher does besides watching: a log file that rotates, and a sign of life."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping
from importlib.metadata import version

from handlers.context import Context
from handlers.service.heartbeat import Heartbeat
from handlers.service.logs import also_to_file, only_to_files
from handlers.service.unit import LABEL, log_folder
from watcher.clock import Clock


def run_by_the_system(environment: Mapping[str, str]) -> bool:
    """launchd names the job in the environment, systemd the socket for its notifications."""
    return environment.get("XPC_SERVICE_NAME") == LABEL or "NOTIFY_SOCKET" in environment


@contextlib.contextmanager
def alive(context: Context, clock: Clock) -> Iterator[Heartbeat]:
    """Logs to a file too and keeps the heartbeat, which is gone after a clean end and stays after any other."""
    handler = also_to_file(log_folder(context.root), context.settings.log)
    if run_by_the_system(os.environ):
        only_to_files()  # what launchd and systemd keep of standard error does not rotate
    heartbeat = Heartbeat(context.root / "state", version("scantune"))
    try:
        heartbeat.start(clock.now())
        yield heartbeat
        heartbeat.end()
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
