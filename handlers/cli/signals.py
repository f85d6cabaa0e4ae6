"""Being asked to end: by launchd or systemd (SIGTERM), or from the keyboard (SIGINT)."""

from __future__ import annotations

import signal
import threading


def set_on_signals(*flags: threading.Event) -> None:
    """From now on either signal sets the flags instead of ending the process."""

    def set_all(number: int, frame: object) -> None:
        for flag in flags:
            flag.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, set_all)
