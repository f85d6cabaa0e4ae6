"""What one pass did, to be told at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from watcher.failures import Trouble
from watcher.settling import Odd


@dataclass(slots=True)
class Tally:
    """Counts are by stage; `artifacts` stands for the intake."""

    done: Counter[str] = field(default_factory=Counter)
    incomplete: Counter[str] = field(default_factory=Counter)
    """Done, but with inputs of which a part could not be read."""
    duplicates: int = 0
    """Dropped files whose content was accepted already."""
    troubles: dict[tuple[str, str], Trouble] = field(default_factory=dict)
    """The last failure of each input that is not done, by stage and digest."""
    keys: dict[str, str] = field(default_factory=dict)
    """The key of the last job done, by stage."""
    unsettled: list[str] = field(default_factory=list)
    """Files of the inbox that were still being written to when the pass ended."""
    odd: list[Odd] = field(default_factory=list)
    """What lies in the inbox and is not taken, with the reason."""
    held: dict[str, str] = field(default_factory=dict)
    """Stages that wait, with the reason."""
    unread: list[Odd] = field(default_factory=list)
    """Files of the inbox that can't be read, or not removed once accepted."""
    gone: str = ""
    """Why the inbox can't be looked at: it is not there, or its volume is not mounted."""
    stopped: bool = False
    """The pass was asked to end before it was through."""

    @property
    def failed(self) -> bool:
        return bool(
            self.troubles or self.incomplete.total() or self.unsettled or self.unread or self.gone or self.stopped
        )
