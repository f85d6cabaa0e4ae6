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
    """Remembers which names were given and are not on the disk yet."""

    def __init__(self, workspace: Workspace, index: Index) -> None:
        self._workspace, self._index = workspace, index
        self._unflushed: list[str] = []

    def commit(self, inbox: Inbox, taken: Sequence[Taken], jobs: Sequence[Prepared]) -> None:
        """One flush for all. If it fails (Unavailable), what was not renamed is as if it had not been run."""
        prepared = [each.job for each in taken if each.job] + list(jobs)
        try:
            if prepared and commit(self._workspace, prepared):
                self._unflushed.clear()
            self._unflushed += [job.folder for job in prepared]
            if prepared:  # before the note of where a file came from: who finds that one finds the job too
                self._index.add([job_of(job.receipt) for job in prepared])
            if taken:
                # Nothing leaves the inbox before what was made of it is safe, be it by a process that was killed since.
                self._unflushed += [self._workspace.job_name(ARTIFACTS, each.digest) for each in taken if not each.job]
                self.flush_names()
                inbox.finish(taken)
        except Unavailable:
            for job in prepared:
                with contextlib.suppress(OSError):
                    files.remove_tree(Path(job.scratch))
            raise

    def flush_names(self) -> None:
        """Makes durable what was committed since the last flush."""
        if self._unflushed:
            with files.surroundings():
                files.reached("flush names")
                files.sync_names(self._unflushed)
            self._unflushed.clear()
