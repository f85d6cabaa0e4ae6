"""Takes finished files out of the inbox: a private copy, hashed on the way, committed under its digest.

Only when that copy and the note of where it came from are on the disk is the inbox file removed. It is first renamed
within the inbox and looked at again, so that what somebody wrote under the same name in the meantime is never removed.
(It stays within the folder: watchdog holds a rename out of a watched folder back for half a second, and all after it.)
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import itertools
import logging
import os
import shutil
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from watcher import files
from watcher.clock import Clock, stamp
from watcher.errors import Unavailable
from watcher.execute import Prepared
from watcher.locks import held
from watcher.receipt import Input, Output, Receipt, dump_receipt
from watcher.scratch import Scratch
from watcher.settling import CLAIM, DONE, SIDECAR, Candidate, Odd, Signature, signature
from watcher.shown import printable
from watcher.stage import ARTIFACTS
from watcher.workspace import ARTIFACT, RECEIPT, Workspace

log = logging.getLogger(__name__)
Provenance = Mapping[str, str | int | float | bool | None]
LARGEST_SIDECAR = 1 << 16
UNREADABLE = (errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.ETIMEDOUT)
"""What is wrong with one file and leaves the others to be taken: rights, a bad sector, a cloud that does not answer."""
LARGE = 1 << 24
"""A file larger than this is copied only if there is room for it: the others need not wait until there is."""


class Sighting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of `state/sightings.jsonl`: that this content was dropped under this name, then, from there."""

    digest: str
    name: str
    when: str
    provenance: Provenance = {}


class Taken(msgspec.Struct, frozen=True):
    """A file that was copied."""

    candidate: Candidate
    digest: str
    new: bool
    """Its content was not accepted before."""
    job: Prepared | None = None
    """What is to be committed, if it is new."""


class Unreadable(Exception):
    """The dropped file can't be read; what would be written has no fault."""


class Intake:
    """Takes files in turns: `turn`, `take`, and `finish` once what was taken is committed."""

    def __init__(
        self, workspace: Workspace, scratch: Scratch, clock: Clock, provenance: Provenance | None = None
    ) -> None:
        self._workspace = workspace
        self._scratch = scratch
        self._clock = clock
        self._provenance = dict(provenance or {})
        self._numbers = itertools.count()
        self.passed: dict[str, Signature] = {}
        """By path what need not be looked at: accepted files that stay where they are, and those of `unread`."""
        self.unread: dict[str, Odd] = {}
        """By path the files that could not be read, or not removed once accepted."""
        self._accepting: set[str] = set()
        """The digests that were taken in this turn."""
        self._refused: list[str] = []
        self._stuck: list[Candidate] = []
        self._told: dict[str, Odd] = {}
        self.unfinished: list[str] = []
        """Names of files that turned out to be written to; emptied by the caller."""

    @contextlib.contextmanager
    def turn(self, stopping: Callable[[], bool]) -> Iterator[None]:
        """One process at a time takes files: the lock is held from `take` until after `finish`."""
        with held(self._workspace.lock("intake"), "another process is taking files", wait=True, stopping=stopping):
            self._accepting.clear()
            yield

    def try_again(self) -> None:
        """What could not be read may be tried once more, and what could not be removed."""
        self._told = dict(self.unread)
        stuck, self._stuck = self._stuck, []
        for path in [*self._refused, *(each.path for each in stuck)]:
            self.passed.pop(path, None)
            self.unread.pop(path, None)
        self._refused.clear()
        for candidate in stuck:
            self._remove(candidate)

    def take(self, waiting: deque[Candidate], most: int) -> list[Taken]:
        """Copies up to so many of those that wait, and takes them from there as it goes.

        Raises Unavailable if the disk or the process is at its limits.
        """
        taken: list[Taken] = []
        for _ in range(min(most, len(waiting))):
            try:
                one = self._take(waiting[0])
            except Unavailable:
                if taken:
                    return taken  # what is copied is safe to finish; the rest is tried again
                raise
            waiting.popleft()
            if one:
                taken.append(one)
                self._accepting.add(one.digest)
        return taken

    def _take(self, candidate: Candidate) -> Taken | None:
        """None if the file is gone, is being written after all, or can't be read."""
        with files.surroundings():
            try:
                handle = files.open_regular(candidate.path)
            except OSError as error:
                if error.errno in UNREADABLE:
                    self._refuse(candidate, files.PASSING[error.errno])
                elif error.errno == errno.EAGAIN:  # who holds a lease on it (a file server) is asked for it by this
                    self.unfinished.append(candidate.name)
                elif error.errno not in (errno.ENOENT, errno.ELOOP, errno.EINVAL, errno.ENOTDIR):
                    raise
                return None
            try:
                if self._has_room(candidate):
                    return self._copy(candidate, handle)
            except Unreadable as error:
                self._refuse(candidate, str(error))
            except OSError as error:  # FAT takes none of 4 GB
                if error.errno != errno.EFBIG:
                    raise
                self._refuse(candidate, f"it has {candidate.signature[2]:,} bytes, and the outbox takes no such file")
            finally:
                os.close(handle)
        return None

    def _has_room(self, candidate: Candidate) -> bool:
        size = candidate.signature[2]
        if size <= LARGE or (free := shutil.disk_usage(self._workspace.outbox).free) > size:
            return True
        self._refuse(candidate, f"it has {size:,} bytes, and the disk has room for {free:,}")
        return False

    def _refuse(self, candidate: Candidate, why: str) -> None:
        self._refused.append(candidate.path)
        self._pass_by(candidate, f"it can't be taken: {why}")

    def _pass_by(self, candidate: Candidate, why: str) -> None:
        path, odd = candidate.path, Odd(printable(candidate.name), why)
        self.passed[path], self.unread[path] = candidate.signature, odd
        if self._told.get(path) != odd:
            log.warning("%s: %s", odd.name, why)

    def _copy(self, candidate: Candidate, handle: int) -> Taken | None:
        if signature(os.fstat(handle)) != candidate.signature or being_written(handle):
            self.unfinished.append(candidate.name)
            return None
        files.reached("copy")
        scratch = str(self._scratch.path(f"{ARTIFACTS}.{next(self._numbers)}"))
        files.fresh_folder(scratch)
        try:
            digest, size = files.copy_hashed(functools.partial(_read, handle), f"{scratch}/{ARTIFACT}")
            if signature(os.fstat(handle)) != candidate.signature:
                files.remove_tree(Path(scratch))
                self.unfinished.append(candidate.name)
                return None
            folder = self._workspace.job_name(ARTIFACTS, digest)
            if digest in self._accepting or files.exists(folder):
                files.remove_tree(Path(scratch))
                return Taken(candidate, digest, new=False)
            receipt = self._receipt(candidate, digest, size)
            files.write_new(f"{scratch}/{RECEIPT}", dump_receipt(receipt))
        except BaseException:
            with contextlib.suppress(OSError):
                files.remove_tree(Path(scratch))
            raise
        job = Prepared(scratch, folder, receipt, Path(f"{scratch}/{ARTIFACT}"))
        return Taken(candidate, digest, new=True, job=job)

    def _receipt(self, candidate: Candidate, digest: str, size: int) -> Receipt:
        return Receipt(
            stage=ARTIFACTS,
            version="1",
            key=digest,
            input=digest,
            inputs=(Input(digest),),
            settings={},
            outputs={ARTIFACT: Output(digest, size)},
            output_digest=digest,
            clock={"started": stamp(self._clock.now()), "name": printable(candidate.name)},
        )

    def finish(self, taken: Sequence[Taken]) -> None:
        """After the copies are committed: writes down where they came from, then removes the inbox files."""
        if not taken:
            return
        lines = [msgspec.json.encode(self._sighting(each)) + b"\n" for each in taken if self._notable(each)]
        if lines:
            files.append_durable(self._workspace.state / "sightings.jsonl", b"".join(lines))
        for each in taken:
            self._accepting.discard(each.digest)
            if each.candidate.remove:
                self._remove(each.candidate)
            else:
                self.passed[each.candidate.path] = each.candidate.signature

    def _notable(self, taken: Taken) -> bool:
        return taken.new or f"/{CLAIM}" not in taken.candidate.path

    def _sighting(self, taken: Taken) -> Sighting:
        provenance = {**read_sidecar(taken.candidate.path), **self._provenance}
        name, when = printable(taken.candidate.name), stamp(self._clock.now())
        return Sighting(digest=taken.digest, name=name, when=when, provenance=provenance)

    def _remove(self, candidate: Candidate) -> None:
        path = candidate.path
        claim = f"{path.rpartition('/')[0]}/{CLAIM}{os.getpid()}-{next(self._numbers)}"
        try:
            if signature(os.lstat(path)) != candidate.signature:
                return  # new content under the same name: it is taken in its turn
            files.reached("claim input")
            os.rename(path, claim)  # noqa: PTH104 - names, not paths
            # The rename changed the change time; the rest tells whether something was put here just before it.
            if signature(os.lstat(claim))[:4] == candidate.signature[:4]:
                files.reached("remove input")
                os.unlink(claim)  # noqa: PTH108 - a name, not a path
                for beside in (f"{path}{SIDECAR}", f"{path}{DONE}"):
                    if os.path.lexists(beside):
                        os.unlink(beside)  # noqa: PTH108
        except FileNotFoundError:
            return
        except OSError as error:
            self._stuck.append(candidate)
            self._pass_by(candidate, f"it is accepted, but can't be removed from the inbox: {error.strerror}")


def _read(handle: int, size: int) -> bytes:
    try:
        return os.read(handle, size)
    except OSError as error:
        if error.errno in UNREADABLE:
            raise Unreadable(files.PASSING[error.errno]) from error
        raise


def read_sidecar(path: Path | str) -> Provenance:
    """Where a dropped file comes from, as whoever dropped it wrote down; empty if nothing usable is there."""
    sidecar = f"{path}{SIDECAR}"
    try:
        handle = files.open_regular(sidecar)
    except OSError:
        return {}
    with os.fdopen(handle, "rb") as file:
        try:
            return msgspec.json.decode(file.read(LARGEST_SIDECAR), type=dict[str, str | int | float | bool | None])
        except msgspec.DecodeError as error:
            log.warning("%s: not usable as provenance: %s", sidecar, error)
            return {}


def being_written(handle: int) -> bool:
    """Linux knows whether a file is open for writing anywhere on the machine: a read lease is refused then.

    False where the system does not say (other systems, other people's files, network folders).
    """
    if sys.platform != "linux":
        return False
    try:
        # The signal of a broken lease must be one that is ignored by default: SIGIO ends the process.
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False
