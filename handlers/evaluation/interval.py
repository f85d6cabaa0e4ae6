"""A figure with how sure it is. No numpy here: whoever only reads evaluations, as the watcher does, needs none."""

from __future__ import annotations

from handlers.records import Record


class Interval(Record, frozen=True, kw_only=True):
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float
