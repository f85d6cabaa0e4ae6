"""What the rounds made, brought to the disk and into the books, in the order in which nothing can be lost."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import msgspec

from watcher import files
from watcher.batch import Batch
from watcher.execute import commit, flush
from watcher.inbox import Inbox
from watcher.index import Index
from watcher.intake import Taken
from watcher.ledger import job_of
from watcher.stage import ARTIFACTS
from watcher.workspace import Workspace


class Commits:
    """While more waits, a round is flushed by a thread as the next one is made; it is named after that.

    The flush serves the contents of a round and the names of the round before. Inbox files go when no more wait, or at
    the end of the turn: an ext4 without a journal passes over every freed inode when it makes a file. So a round is
    first made (and being flushed), then named, then finished.
    """

    def __init__(self, workspace: Workspace, index: Index, inbox: Inbox, committed: Callable[[Batch], None]) -> None:
        """`committed` is called with each round as soon as its jobs have their names and are in the index."""
        self._workspace, self._index, self._inbox, self._committed = workspace, index, inbox, committed
        self._made: list[Batch] = []
        self._flushing: Future[None] | None = None
        self._named: list[str] = []
        self._unfinished: list[Taken] = []

    @property
    def under_way(self) -> Batch | None:
        """The round that is made but not committed."""
        return self._made[0] if self._made else None

    def commit(self, batch: Batch, *, more: bool) -> None:
        """Begins to bring a round to the disk, and ends it if no more files wait, nor (`more`) jobs.

        Raises Unavailable; `give_up` is to be called then.
        """
        self._made.append(batch)
        if len(self._made) > 1:
            self._name()
        if self._inbox.in_turn:
            more = self._inbox.waiting > 0 and not self._inbox.overdue
        if more and batch.prepared:
            self._flushing = _thread().submit(flush, batch.prepared, tuple(self._named))
        elif batch.prepared:
            flush(batch.prepared, self._named)
            self._named.clear()
        if not more:
            self.finish()

    def name(self) -> None:
        """Gives all that was made its names. Raises Unavailable."""
        while self._made:
            self._name()

    def finish(self) -> None:
        """All that was made is named and made durable, and its inbox files go. Raises Unavailable."""
        self.name()
        if self._unfinished:
            self.flush_names()
            taken, self._unfinished = self._unfinished, []
            self._inbox.finish(taken)
        self._inbox.leave()

    def give_up(self) -> None:
        """What has no name is as if it had not been run; the caller clears the scratch folder.

        What lies in the inbox still is found to be accepted at the next look, and its names are flushed then.
        """
        if self._flushing:
            self._flushing.exception()  # until the thread is out of the folders
            self._flushing = None
        self._made.clear()
        self._unfinished.clear()
        self._named.clear()
        self._inbox.leave()

    def flush_names(self) -> None:
        """Makes durable what was named since the last flush."""
        if self._named:
            with files.surroundings():
                files.reached("flush names")
                files.sync_names(self._named)
            self._named.clear()

    def _name(self) -> None:
        """Gives the jobs of the oldest round their names, once their contents are on the disk."""
        batch = self._made[0]
        if self._flushing:
            self._flushing.result()
            self._flushing = None
            self._named.clear()
        commit(self._workspace, batch.prepared)
        del self._made[0]
        self._named += [job.folder for job in batch.prepared]
        # Before the note of where a file came from: who finds that one finds the job too.
        self._index.add([job_of(job.receipt) for job in batch.prepared])
        # Nothing leaves the inbox before what was made of it is safe, be it by a process that was killed since.
        self._named += [self._workspace.job_name(ARTIFACTS, each.digest) for each in batch.taken if not each.new]
        self._unfinished += [msgspec.structs.replace(each, job=None) for each in batch.taken]  # there may be thousands
        self._committed(batch)


@functools.cache
def _thread() -> ThreadPoolExecutor:
    os.register_at_fork(after_in_child=_thread.cache_clear)  # threads do not survive a fork
    return ThreadPoolExecutor(1, "flush")
