"""Kernel locks (through filelock): released by the death of their holder alone, their files never deleted."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from watcher.errors import Unavailable
from watcher.files import surroundings
from watcher.workspace import Workspace, user_lock

STRIPES = 8
"""Job locks of a stage; a job's input chooses its lock. A fixed set, so that their files need never be deleted."""
POLL_SECONDS = 0.1


class Busy(Unavailable):
    """Another process is at this job, or at one that shares its lock."""


class JobLocks:
    """The job locks that this process holds until `release`.

    Taking one costs about half a millisecond, so that a process with many jobs keeps them for a while.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._held: dict[str, FileLock] = {}
        self._known: dict[str, FileLock] = {}

    def take(
        self, stage: str, digest: str, *, large: bool, wait: bool, stopping: Callable[[], bool] = lambda: False
    ) -> None:
        """The lock of a stage's jobs on inputs of this one's stripe.

        Raises Busy if it is held elsewhere: at once, or (`wait`) when `stopping` says so.

        Jobs on `large` inputs have locks of their own: no small one waits for the end of one of them.
        Only a process that holds no other job lock may wait, so that no two wait for each other.
        """
        self._take(_lock_name(stage, int(digest[:8], 16) % STRIPES, large), wait, stopping)

    def take_all(self, stage: str) -> None:
        """The locks of all jobs of a stage. Raises Busy if one is held elsewhere."""
        for number in range(STRIPES):
            for large in (False, True):
                self._take(_lock_name(stage, number, large), False, lambda: False)

    def _take(self, name: str, wait: bool, stopping: Callable[[], bool]) -> None:
        if name in self._held:
            return
        lock = self._known.get(name) or _lock(self._workspace.lock(name))
        self._known[name] = lock
        _acquire(lock, f"another process is at a job of {name.split('.')[0]}", wait=wait, stopping=stopping)
        self._held[name] = lock

    @property
    def held(self) -> bool:
        """Whether there is anything to release."""
        return bool(self._held)

    def release(self) -> None:
        """Gives all locks back."""
        for lock in self._held.values():
            lock.release()
        self._held.clear()

    def __enter__(self) -> JobLocks:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _lock_name(stage: str, number: int, large: bool) -> str:
    return f"{stage}.{'large.' if large else ''}{number:02d}"


@contextlib.contextmanager
def held(file: Path, busy: str, *, wait: bool = False, stopping: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Holds one lock file. Raises Busy with the text `busy`."""
    lock = _lock(file)
    _acquire(lock, busy, wait=wait, stopping=stopping)
    try:
        yield
    finally:
        lock.release()


def accelerator(
    name: str, stopping: Callable[[], bool], say: Callable[[str], None]
) -> contextlib.AbstractContextManager[None]:
    """Holds the user's lock of this name while a job runs, waiting for it as long as it takes; "" is no lock."""
    return _accelerator(name, stopping, say) if name else contextlib.nullcontext()


@contextlib.contextmanager
def _accelerator(name: str, stopping: Callable[[], bool], say: Callable[[str], None]) -> Iterator[None]:
    file = user_lock(name)
    lock = _lock(file)
    busy = f"{name} is in use by {holder(file) or 'another process'}"
    try:
        _acquire(lock, busy, wait=False)
    except Busy:
        say(f"waiting: {busy}")
        _acquire(lock, busy, wait=True, stopping=stopping)
    try:
        with noted(file):
            yield
    finally:
        lock.release()


@contextlib.contextmanager
def noted(file: Path) -> Iterator[None]:
    """Writes down who holds a lock, for other processes to show; what is written decides nothing."""
    note = file.with_name(file.name + ".holder")
    with contextlib.suppress(OSError):
        note.write_text(f"process {os.getpid()}\n")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            note.unlink(missing_ok=True)


def holder(file: Path) -> str | None:
    """Who holds a lock, as far as they wrote it down."""
    try:
        return file.with_name(file.name + ".holder").read_text().strip() or None
    except OSError:
        return None


def is_held(file: Path) -> bool:
    """Whether a process holds a lock. It takes a shared lock for an instant: two who ask don't see each other."""
    try:
        handle = os.open(file, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _lock(file: Path) -> FileLock:
    return FileLock(file, thread_local=False, mode=0o600, fallback_to_soft=False)


def _acquire(lock: FileLock, busy: str, *, wait: bool, stopping: Callable[[], bool] = lambda: False) -> None:
    try:
        with surroundings():
            lock.acquire(blocking=wait, poll_interval=POLL_SECONDS, cancel_check=stopping)
    except Timeout:
        raise Busy(busy) from None
