"""The version of what a workspace keeps, and how an older one becomes the present one.

`state/version.json` names it. A change of a file's format that an older program, or a newer one, would misread raises
`VERSION` and adds the migration to `MIGRATIONS`; formats that tell their own version (receipts) need none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from watcher.errors import JobError, Unavailable
from watcher.files import write_durable
from watcher.locks import held
from watcher.workspace import Workspace

log = logging.getLogger(__name__)
VERSION = 1
FILE = "version.json"
Migration = Callable[[Path], None]
MIGRATIONS: Mapping[int, Migration] = {}
"""From a version to the next one. Each may be killed and run again: it leaves what is done already alone."""


class Kept(msgspec.Struct, frozen=True):
    """What the file says."""

    version: int


def bring_up_to_date(root: Path, version: int = VERSION, migrations: Mapping[int, Migration] = MIGRATIONS) -> list[int]:
    """Migrates the workspace step by step; returns the versions that it came through.

    Raises JobError for a workspace of a newer program, or of one so old that there is no way from it, and Unavailable
    while a watcher, which can only be one of the older program, is at work there.
    """
    file = root / "state" / FILE
    if not file.parent.is_dir():
        return []  # not a workspace yet; looking at one leaves nothing behind
    if _known(file, root, version) == version:
        mark(root, version)
        return []
    busy = f"{root} is to be brought up to date, but a watcher of an older scantune is at work there"
    with held(Workspace(root).lock("watcher"), busy):
        return [_step(file, root, step, migrations) for step in range(_known(file, root, version), version)]


def _known(file: Path, root: Path, version: int) -> int:
    if (found := _read(file, version)) > version:
        hint = "upgrade scantune (pipx upgrade scantune), or name another --workspace"
        raise JobError(f"{root} was used by a newer scantune (state version {found}, this one knows {version})", hint)
    return found


def _step(file: Path, root: Path, step: int, migrations: Mapping[int, Migration]) -> int:
    if step not in migrations:
        hint = f"open it once with the last scantune that kept version {step + 1}, or begin a new workspace"
        raise JobError(f"{root}: there is no way from state version {step}", hint)
    migrations[step](root)
    write_durable(file, msgspec.json.encode(Kept(step + 1)))
    return step


def mark(root: Path, version: int = VERSION) -> None:
    """Notes the version in a workspace that this program made.

    Where nothing can be written just now, the next command does it: whoever only asks is not refused for that.
    """
    file = root / "state" / FILE
    if file.parent.is_dir() and not file.exists():
        try:
            write_durable(file, msgspec.json.encode(Kept(version)))
        except Unavailable as error:
            log.debug("the version is not noted: %s", error)


def _read(file: Path, version: int) -> int:
    """A workspace without the file is new, or of the first version, which is the present one."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Kept).version
    except FileNotFoundError:
        return min(1, version)
    except msgspec.DecodeError as error:
        raise JobError(f"{file}: {error}", "restore it, or remove it if the workspace is of this version") from None
