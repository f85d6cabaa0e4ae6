"""What a round made, brought to the disk and into the books, in the order in which nothing can be lost."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from watcher import files
from watcher.errors import Unavailable
from watcher.execute import Prepared, commit
from watcher.inbox import Inbox
from watcher.index import Index
from watcher.intake import Taken
from watcher.ledger import job_of
from watcher.stage import ARTIFACTS
from watcher.workspace import Workspace


class Commits:
    """One flush a round serves its contents and the names of the round before, whose inbox files go only then."""

    def __init__(self, workspace: Workspace, index: Index, inbox: Inbox) -> None:
        self._workspace, self._index, self._inbox = workspace, index, inbox
        self._unflushed: list[str] = []
        self._unfinished: list[Taken] = []

    def commit(self, taken: Sequence[Taken], jobs: Sequence[Prepared]) -> None:
        """One flush for all. If it fails (Unavailable), what was not renamed is as if it had not been run."""
        prepared = [each.job for each in taken if each.job] + list(jobs)
        try:
            if prepared:
                commit(self._workspace, prepared, self._unflushed)
                self._finish()
                self._unflushed += [job.folder for job in prepared]
                # Before the note of where a file came from: who finds that one finds the job too.
                self._index.add([job_of(job.receipt) for job in prepared])
            # Nothing leaves the inbox before what was made of it is safe, be it by a process that was killed since.
            self._unflushed += [self._workspace.job_name(ARTIFACTS, each.digest) for each in taken if not each.job]
            self._unfinished += taken
            if not self._inbox.waiting or self._inbox.overdue:
                self.finish()
        except Unavailable:
            for job in prepared:
                with contextlib.suppress(OSError):
                    files.remove_tree(Path(job.scratch))
            raise

    def finish(self) -> None:
        """All that was committed is made durable, and its inbox files go. Raises Unavailable."""
        if self._unfinished:
            self.flush_names()
            self._finish()
        self._inbox.leave()

    def give_up(self) -> None:
        """What lies in the inbox still is found to be accepted at the next look, and its names are flushed then."""
        self._unfinished.clear()
        self._unflushed.clear()
        self._inbox.leave()

    def _finish(self) -> None:
        """Once all names are on the disk."""
        self._unflushed.clear()
        taken, self._unfinished = self._unfinished, []
        self._inbox.finish(taken)

    def flush_names(self) -> None:
        """Makes durable what was committed since the last flush."""
        if self._unflushed:
            with files.surroundings():
                files.reached("flush names")
                files.sync_names(self._unflushed)
            self._unflushed.clear()
