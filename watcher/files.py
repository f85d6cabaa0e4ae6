"""Durable file operations. Whatever the engine keeps goes through here, so that tests can stop it at any of them.

What counts is written to a hidden sibling, flushed to the disk, and renamed: a reader sees all of it or nothing.

Many functions take and give paths as strings: building a path object costs more than the system call it is for, and
these are called for every job.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import functools
import hashlib
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from watcher.errors import JobError, Unavailable
from watcher.passing import PASSING as PASSING
from watcher.passing import surroundings as surroundings

CHUNK = 1 << 20
THREADS = 4
"""How many files are flushed at the same time."""
MANY = 4
"""From this many folders on, one flush of the volume is cheaper than a flush of each file."""


def _ignore(point: str) -> None:
    return None


reached: Callable[[str], None] = _ignore
"""Called with the name of each step of a job's life, before the step; tests put themselves here."""


def make_folder(folder: Path) -> Path:
    """Makes a folder and what lies above it, readable by its owner only; returns it. Raises JobError."""
    try:
        with surroundings():
            if not folder.is_dir():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise _in_the_way(folder) from None
    return folder


def _in_the_way(folder: Path) -> JobError:
    path = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    if path.is_symlink():
        return Unavailable(f"{path}: this symbolic link leads to no folder", "mount what it leads to, or remove it")
    return JobError(f"{path}: something that is no folder lies there", "move it away")


def write_durable(file: Path, data: bytes) -> None:
    """Replaces `file` by `data` as a whole; it is on the disk when this returns."""
    make_folder(file.parent)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    with surroundings():
        reached("write")
        beside.write_bytes(data)
        sync(beside)
        reached("replace")
        beside.replace(file)
        sync(file.parent)


def write_new(file: str, data: bytes) -> None:
    """Writes a new file, which is on the disk only after the folder around it was flushed."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        _write(handle, data)
    finally:
        os.close(handle)


def _write(handle: int, data: bytes) -> None:
    """All of it: a disk that is almost full takes a part and says so at the next write only."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def append_durable(file: Path, line: bytes) -> None:
    """Appends lines (each with its newline); they are on the disk when this returns."""
    make_folder(file.parent)
    with surroundings():
        reached("append")
        handle = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(handle).st_size
            # A last line cut short by a full disk or a power failure must not take this one along.
            cut = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
            _write(handle, b"\n" + line if cut else line)
            _flush(handle)
            if not size:
                sync(file.parent)
        finally:
            os.close(handle)


def exists(path: str) -> bool:
    """Whether something is there; a broken link is not."""
    return os.access(path, os.F_OK)


def sync(path: Path | str) -> None:
    """Flushes one file or folder to the disk, not following a link."""
    reached("sync")
    _opened(path, _flush)


def _opened(path: Path | str, flush: Callable[[int], None]) -> None:
    """Raises Unavailable if there is nothing any more: somebody moved it away, or cleared it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError as error:
        raise Unavailable(f"{path} is gone", "what was in it is done anew, unless it comes back") from error
    try:
        flush(handle)
    finally:
        os.close(handle)


def sync_trees(folders: Sequence[Path] | Sequence[str], names: Sequence[str] = ()) -> None:
    """Flushes all that lies in the folders, and the `names` as `sync_names` does; all are on one volume."""
    if len(folders) + len(names) >= MANY and _sync_volume(str(folders[0])):
        return
    _sync_all([str(path) for folder in folders for path in (*tree(Path(folder)), folder)] + _around(names))


def sync_names(paths: Sequence[str]) -> None:
    """Makes the names of files or folders durable that were just given to them, on one volume."""
    if len(paths) >= MANY and _sync_volume(os.path.dirname(paths[0])):
        return
    _sync_all(_around(paths))


def _around(paths: Sequence[str]) -> list[str]:
    shards = {os.path.dirname(path) for path in paths}
    return sorted(shards | {os.path.dirname(shard) for shard in shards})  # the shard itself may be new


def _sync_all(paths: Sequence[str]) -> None:
    """At the same time: the file system then writes its journal once for several of them."""
    if sys.platform == "darwin":  # the drive's memory is flushed once, for all that was handed to it before
        list(_threads().map(_hand_to_drive, paths))
        sync(paths[-1])
    elif len(paths) == 1 or THREADS < 2:
        for path in paths:
            sync(path)
    else:
        list(_threads().map(sync, paths))


def _hand_to_drive(path: str) -> None:
    _opened(path, os.fsync)


@functools.cache
def _threads() -> ThreadPoolExecutor:
    os.register_at_fork(after_in_child=_threads.cache_clear)  # threads do not survive a fork
    return ThreadPoolExecutor(THREADS, "sync")


def move(folder: str, target: str) -> bool:
    """Gives a folder its final name; makes the folder above it if need be. False if something has that name."""
    try:
        os.rename(folder, target)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
        os.rename(folder, target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    return True


def _flush(handle: int) -> None:
    if sys.platform == "darwin":
        # fsync leaves the data in the drive's own memory there; this flushes that too.
        fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
    else:
        os.fsync(handle)


_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _sync_volume(folder: str) -> bool:
    """Linux: syncfs(2), which reports write errors since 5.8. Returns False where there is no such call."""
    if _libc is None:
        return False
    reached("sync volume")
    _opened(folder, functools.partial(_syncfs, folder))
    return True


def _syncfs(folder: str, handle: int) -> None:
    if _libc is not None and _libc.syncfs(handle) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), folder)


def tree(folder: Path) -> Iterator[Path]:
    """All that lies in a folder at any depth, contents before their folder, in the order of names; follows no link."""
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from tree(Path(entry.path))
        yield Path(entry.path)


def names(folder: Path | str) -> list[str]:
    """The names in a folder in their order, hidden ones left out; none if there is no such folder."""
    with surroundings(), contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return sorted([name for name in os.listdir(folder) if name[0] != "."])
    return []


def fresh_folder(folder: str) -> None:
    """Makes an empty folder, whatever was there before."""
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        remove_tree(Path(folder))
        os.mkdir(folder, 0o700)
    except FileNotFoundError:
        make_folder(Path(folder))


def hash_file(file: Path | str) -> tuple[str, int]:
    """The SHA-256 of a file in hexadecimal, and its size in bytes."""
    digest, size = hashlib.sha256(), 0
    handle = os.open(file, os.O_RDONLY)
    try:
        while data := os.read(handle, CHUNK):
            digest.update(data)
            size += len(data)
    finally:
        os.close(handle)
    return digest.hexdigest(), size


def copy_hashed(read: Callable[[int], bytes], target: Path | str) -> tuple[str, int]:
    """Copies to a new file `target` what `read` gives, called with a size; returns SHA-256 and size of it."""
    digest, size = hashlib.sha256(), 0
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        while data := read(CHUNK):
            digest.update(data)
            size += len(data)
            reached("copy chunk")
            _write(handle, data)
    finally:
        os.close(handle)
    return digest.hexdigest(), size


def open_regular(path: Path | str) -> int:
    """Opens a regular file for reading; neither follows a link nor blocks on a FIFO. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return handle


def remove_tree(path: Path) -> None:
    """Removes a file or a folder with all in it; one that is not there is fine, as is one that others remove too."""
    while path.is_dir() and not path.is_symlink():
        with contextlib.suppress(FileNotFoundError):  # what somebody else removed first; the rest is still to go
            shutil.rmtree(path)
    path.unlink(missing_ok=True)
