"""Which files of a folder are finished being written.

A file is taken once it has lain still (size, times, inode) for the settling time since this process first saw it; at
once if `NAME.done` lies beside it and is not older. Names that say "unfinished" are left alone, and only regular files
are looked at.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import msgspec

from watcher.clock import Clock
from watcher.shown import printable

SIDECAR = ".scantune.json"
"""`NAME.scantune.json` says where `NAME` comes from; it lands before it and is no input."""
DONE = ".done"
CLAIM = ".taking-"
"""Prefix of an inbox file that is accepted already and about to be removed, see watcher.intake."""
UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".crdownload", ".download")
WINDOW = 10_000
"""How many files are held in view at once: memory stays flat however many wait."""
EMPTY_SECONDS = 600.0
"""A folder that was dropped is removed when it has been empty and still for this long."""
ALONE_SECONDS = 600.0
"""A sidecar or marker this old whose file is not there has come too late, or never had one."""

Signature = tuple[int, int, int, int, int]
"""Device, inode, size, modification and change time in nanoseconds: equal if nothing happened to the file."""


class Candidate(msgspec.Struct, frozen=True):
    """A file that may be taken, as it was when looked at."""

    path: str
    name: str
    """Its path relative to the folder that was looked at."""
    signature: Signature
    remove: bool
    """It lies in the inbox, from which it disappears once it is accepted."""


@dataclass(frozen=True, slots=True)
class Odd:
    """Something that is not taken, and why."""

    name: str
    why: str


@dataclass(slots=True)
class Look:
    """What one look found."""

    ready: list[Candidate] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    odd: list[Odd] = field(default_factory=list)
    due: float | None = None
    """When (of the clock that never goes back) the next file will have settled."""
    full: bool = False
    """More files lie there than are held in view."""


def signature(status: os.stat_result) -> Signature:
    """What of a status tells that nothing happened to the file."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


class Settling:
    """Remembers since when the files of one folder (or one file by itself) lie still."""

    def __init__(self, path: Path, seconds: float, clock: Clock, *, remove: bool, window: float | None = None) -> None:
        """`window`: how many files are held in view at once, if not WINDOW."""
        self._path = path
        self._window = window or WINDOW
        self._seconds = seconds
        self._clock = clock
        self._remove = remove
        self._since: dict[str, tuple[Signature, float]] = {}

    def look(self, passed: Mapping[str, Signature] = MappingProxyType({})) -> Look:
        """What was `passed` (by path) is left out, so that it hides nothing behind it, until something happens to it.

        Raises OSError if the folder can't be read; one that is not there is empty.
        """
        look, since, now = Look(), dict[str, tuple[Signature, float]](), self._clock.elapsed()
        for entry, name in self._entries(look, since, now):
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # it went between the listing and this look: another process has taken it
            except OSError as error:
                look.odd.append(Odd(printable(name), f"it may be listed but not looked at: {error.strerror}"))
                continue
            if why := _why_not(name, status.st_mode):
                look.odd.append(Odd(printable(name), why))
                continue
            seen = signature(status)
            if passed.get(entry.path) == seen:
                continue
            first = self._first_seen(name, seen, now)
            since[name] = (seen, first)
            if now - first >= self._seconds or _marked(entry.path, status):
                look.ready.append(Candidate(entry.path, name, seen, self._remove))
            else:
                look.unsettled.append(name)
                look.due = min(look.due or first + self._seconds, first + self._seconds)
            if len(look.ready) + len(look.unsettled) >= self._window:
                look.full = True
                break
        self._since = since
        return look

    def _first_seen(self, name: str, seen: Signature, now: float) -> float:
        before = self._since.get(name)
        return before[1] if before and before[0] == seen else now

    def _entries(
        self, look: Look, since: dict[str, tuple[Signature, float]], now: float
    ) -> Iterator[tuple[os.DirEntry[str], str]]:
        """Files at any depth with their relative names; removes dropped folders that stay empty."""
        if not self._path.is_dir():
            with contextlib.suppress(FileNotFoundError), os.scandir(self._path.parent) as siblings:
                yield from ((entry, entry.name) for entry in siblings if entry.name == self._path.name)
            return
        folders = [self._path]
        top = len(os.fspath(self._path)) + 1
        while folders:
            folder = folders.pop()
            empty = True
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        empty = False
                        name = entry.path[top:]
                        if _hidden(entry.name) or (folder == self._path and entry.name == "README.md"):
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(Path(entry.path))
                        elif entry.name.endswith((SIDECAR, DONE)):
                            self._tell_if_alone(look, entry, name)
                        else:
                            yield entry, name
            except (FileNotFoundError, NotADirectoryError):
                continue  # it went, or something else came in its place, while it was being read
            except OSError as error:
                if folder == self._path:
                    raise
                look.odd.append(Odd(printable(os.fspath(folder)[top:]), f"the folder can't be read: {error.strerror}"))
                continue
            if empty and self._remove and folder != self._path:
                self._remove_if_long_empty(folder, since, now)

    def _tell_if_alone(self, look: Look, entry: os.DirEntry[str], name: str) -> None:
        """What is said of a file lands before it or soon after it: by itself it is odd only after a while."""
        about = name.removesuffix(SIDECAR).removesuffix(DONE)
        with contextlib.suppress(OSError):
            came = entry.stat(follow_symlinks=False).st_ctime  # a preserved modification time tells nothing
            if self._clock.now() - came > ALONE_SECONDS and not os.path.lexists(entry.path[: len(about) - len(name)]):
                why = f"it counts as a note on {printable(about)}, which is not there; rename it if it is a report"
                look.odd.append(Odd(printable(name), why))

    def _remove_if_long_empty(self, folder: Path, since: dict[str, tuple[Signature, float]], now: float) -> None:
        try:
            seen = signature(folder.stat(follow_symlinks=False))
            first = self._first_seen(f"{folder}/", seen, now)
            since[f"{folder}/"] = (seen, first)
            if now - first >= EMPTY_SECONDS:
                folder.rmdir()
        except OSError:
            return  # somebody is using it after all


def _marked(path: str, status: os.stat_result) -> bool:
    """Whether `NAME.done` is meant for this file: one from before its last change was for an earlier file."""
    try:
        return os.lstat(path + DONE).st_mtime_ns >= status.st_mtime_ns
    except OSError:
        return False


def _hidden(name: str) -> bool:
    return name.startswith(".") and not name.startswith(CLAIM)


def _why_not(name: str, mode: int) -> str | None:
    if stat.S_ISREG(mode):
        if name.lower().endswith(UNFINISHED):
            return "its name says that it is unfinished"
        return None
    if stat.S_ISLNK(mode):
        return "it is a symbolic link, which is never followed: drop the file itself"
    return "it is no regular file (a pipe, socket or device)"
