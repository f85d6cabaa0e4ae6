"""The clock, as an argument: nothing else in the engine asks what time it is or sleeps."""

from __future__ import annotations

import functools
import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the engine asks of a clock."""

    def now(self) -> float:
        """Wall-clock seconds since 1970; it may jump either way."""

    def elapsed(self) -> float:
        """Seconds of a clock that never goes back; it may stand still while the machine sleeps."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Waits until the event is set, for at most `seconds`; returns whether it is."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()

    def elapsed(self) -> float:
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds)


SYSTEM = SystemClock()


def stamp(seconds: float) -> str:
    """Wall-clock seconds as UTC in ISO 8601, to the millisecond: `2026-01-31T09:30:00.000Z`."""
    whole, microseconds = divmod(round(seconds * 1_000_000), 1_000_000)
    return f"{_second(whole)}.{microseconds // 1000:03d}Z"


@functools.lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
