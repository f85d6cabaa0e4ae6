"""How the engine behaves in time."""

from __future__ import annotations

from dataclasses import dataclass, field

from watcher.failures import Retries
from watcher.wake import Polling


@dataclass(frozen=True, slots=True)
class Tempo:
    """All in seconds."""

    settle_seconds: float = 2.0
    rescan_seconds: float = 60.0
    polling: Polling = "auto"
    drain_seconds: float = 20.0
    """How long child processes that were asked to end have before they are killed."""
    retries: Retries = field(default_factory=Retries)
