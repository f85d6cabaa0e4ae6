"""Faults of what is around a job, which may pass: not of its input."""

from __future__ import annotations

import errno
import os

from watcher.errors import BY_ITSELF, Unavailable

PASSING = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the volume is read-only",
    errno.EFBIG: "no file may become that large there",
    errno.EMFILE: "too many files are open in this process",
    errno.ENFILE: "too many files are open on this machine",
    errno.EACCES: "permission is denied",
    errno.EPERM: "the operation is not permitted",
    errno.EIO: "the disk reports an input/output error",
    errno.ENXIO: "the device is gone",
    errno.ESTALE: "the network folder went away",
    errno.ENOTCONN: "the network folder went away",
    errno.ENETDOWN: "the network is down",
    errno.ENETUNREACH: "the network folder can't be reached",
    errno.EHOSTDOWN: "the network folder's host is down",
    errno.EHOSTUNREACH: "the network folder's host can't be reached",
    errno.ETIMEDOUT: "the volume does not answer",
}
"""What the system says when the surroundings are at fault and not the input."""


class surroundings:  # noqa: N801 - read as a function; not a generator, for it is entered several times for every job
    """Turns the system's complaints about full disks, missing rights and the like into Unavailable."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError) and error.errno in PASSING:
            name = error.filename2 or error.filename  # a folder that takes no new name, not what was to move there
            where = os.fsdecode(name) if isinstance(name, (str, bytes)) else "the workspace"
            raise Unavailable(f"{where}: {PASSING[error.errno]}", BY_ITSELF) from error
