"""The inbox as the engine sees it: what has settled is handed to the intake, in groups."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from watcher import files
from watcher.clock import Clock
from watcher.intake import Intake, Provenance, Taken
from watcher.locks import POLL_SECONDS
from watcher.scratch import Scratch
from watcher.settling import Candidate, Settling
from watcher.tally import Tally
from watcher.workspace import Workspace

log = logging.getLogger(__name__)
GROUP = 64
"""How many files, and how many jobs of a stage, are made durable together at most."""
TURN_SECONDS = 10.0
"""A process with this much to take lets others that wait for their turn have it in between."""
AGAIN_SECONDS = 0.2
"""A file that turned out to be written to is looked at again no sooner."""


class Inbox:
    """The inbox, or the paths that a person gave instead of it."""

    def __init__(
        self,
        workspace: Workspace,
        scratch: Scratch,
        paths: Sequence[Path],
        settle_seconds: float,
        clock: Clock,
        tally: Tally,
        provenance: Provenance | None,
    ) -> None:
        self._workspace, self._clock, self._tally = workspace, clock, tally
        self._again = max(settle_seconds, AGAIN_SECONDS)
        self._intake = Intake(workspace, scratch, clock, provenance)
        self._settling = [
            Settling(path, settle_seconds, clock, remove=path.is_relative_to(workspace.inbox))
            for path in paths or [workspace.inbox]
        ]
        self._candidates: deque[Candidate] = deque()
        self._more = False
        self._turn, self._turn_over = contextlib.ExitStack(), 0.0
        self.in_turn = False
        """Files were taken that are not finished; no other process takes any."""
        self.look_at = 0.0
        """When (of the clock that never goes back) to look again."""

    def look_soon(self) -> None:
        """Something may have changed."""
        self.look_at = 0.0

    @property
    def waiting(self) -> int:
        """How many files are known to be ready and were not taken yet."""
        return len(self._candidates)

    def take(self, stopping: Callable[[], bool]) -> list[Taken]:
        """Copies the next group; no other process takes any until `leave`. Raises Unavailable."""
        if not self._candidates and self._clock.elapsed() >= self.look_at:
            self._look()
        if not self._candidates:
            return []
        if not self.in_turn:
            self._turn.enter_context(self._intake.turn(stopping))
            self.in_turn, self._turn_over = True, self._clock.elapsed() + TURN_SECONDS
        self._intake.unfinished.clear()
        taken: list[Taken] = []
        while self._candidates and not taken:  # other processes may have taken many of those in view
            taken = self._intake.take(self._candidates, GROUP)
        self._tally.unread = list(self._intake.unread.values())
        if self._intake.unfinished:
            self._tally.unsettled += self._intake.unfinished
            self.look_at = min(self.look_at, self._clock.elapsed() + self._again)
        return taken

    def finish(self, taken: Sequence[Taken]) -> None:
        """After the copies are committed and their names flushed: the inbox files go."""
        self._intake.finish(taken)
        self._tally.unread = list(self._intake.unread.values())

    @property
    def overdue(self) -> bool:
        """This process has taken files for long enough."""
        return self.in_turn and self._clock.elapsed() > self._turn_over

    def leave(self) -> None:
        """All that was taken is finished, or given up: others may take files."""
        waited_for = self.overdue and self.waiting
        self._turn.close()
        self.in_turn = False
        if waited_for:  # who waits looks every so often
            self._clock.wait(threading.Event(), 2 * POLL_SECONDS)

    def _look(self) -> None:
        self._tally.odd, self._tally.unsettled = [], []
        self.look_at = float("inf")
        if not self._more:
            self._intake.try_again()
            self._tally.unread = list(self._intake.unread.values())
        self._more = False
        with files.surroundings():
            gone, self._tally.gone = self._tally.gone, self._workspace.inbox_gone()
            if self._tally.gone:
                if not gone:
                    log.warning("nothing is taken: %s", self._tally.gone)
                return
            self._workspace.note_inbox()
            for settling in self._settling:
                look = settling.look(self._intake.passed)
                self._candidates += look.ready
                self._tally.odd += look.odd
                self._tally.unsettled += look.unsettled
                if look.due is not None:
                    self.look_at = min(self.look_at, look.due)
                if look.full and look.ready:
                    self._more = True
                    self.look_soon()
