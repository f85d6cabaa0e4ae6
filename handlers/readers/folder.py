"""A folder of reports: every file in it, by its path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from config.settings import Limits
from handlers.readers.archive import together
from handlers.readers.reading import Reading
from handlers.readers.report import read_report
from watcher.settling import SIDECAR
from watcher.shown import printable


def read_folder(folder: Path, limits: Limits) -> Reading:
    """All regular files below `folder`, hidden ones left out, links not followed. Raises OSError."""
    members = [_read(folder, file, limits) for file in files_of(folder)]
    if not members:
        return Reading(status="quarantined", reason="the folder holds no files", members=())
    return together(members)


def files_of(folder: Path) -> Iterator[Path]:
    """Regular files below the folder, in the order of their paths."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not path.is_symlink() and not hidden and not path.name.endswith(SIDECAR):
            yield path


def _read(folder: Path, file: Path, limits: Limits) -> Reading:
    name = printable(str(file.relative_to(folder)))
    try:
        reading = read_report(file, limits, name)
    except OSError as error:
        reading = Reading(status="quarantined", reason=f"it can't be opened: {error.strerror}")
    return msgspec.structs.replace(reading, path=name)


def leaves(reading: Reading) -> Iterator[Reading]:
    """The reports in a reading: archives in archives opened up, each path from the top (`a.zip!b/c.json`)."""
    if reading.members is None:
        yield reading
        return
    for member in reading.members:
        if member.members is None:
            yield member
            continue
        for leaf in leaves(member):
            # A zip inside a folder does not know the folder's name for it; one inside a zip does.
            known = leaf.path.startswith(f"{member.path}!")
            yield leaf if known else msgspec.structs.replace(leaf, path=f"{member.path}!{leaf.path}")
