"""The version of what a workspace keeps, and how an older one becomes the present one.

`state/version.json` names it. A change of a file's format that an older program, or a newer one, would misread raises
`VERSION` and adds the migration to `MIGRATIONS`; formats that tell their own version (receipts) need none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from watcher.errors import JobError
from watcher.files import write_durable

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

    Raises JobError for a workspace of a newer program, or of one so old that there is no way from it.
    """
    file = root / "state" / FILE
    if not file.parent.is_dir():
        return []  # not a workspace yet; looking at one leaves nothing behind
    found = _read(file, version)
    if found > version:
        hint = "upgrade scantune (pipx upgrade scantune), or name another --workspace"
        raise JobError(f"{root} was used by a newer scantune (state version {found}, this one knows {version})", hint)
    passed = []
    for step in range(found, version):
        if step not in migrations:
            hint = f"open it once with the last scantune that kept version {step + 1}, or begin a new workspace"
            raise JobError(f"{root}: there is no way from state version {step}", hint)
        migrations[step](root)
        passed.append(step)
        write_durable(file, msgspec.json.encode(Kept(step + 1)))
    mark(root, version)
    return passed


def mark(root: Path, version: int = VERSION) -> None:
    """Notes the version in a workspace that this program made."""
    file = root / "state" / FILE
    if file.parent.is_dir() and not file.exists():
        write_durable(file, msgspec.json.encode(Kept(version)))


def _read(file: Path, version: int) -> int:
    """A workspace without the file is new, or of the first version, which is the present one."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Kept).version
    except FileNotFoundError:
        return min(1, version)
    except msgspec.DecodeError as error:
        raise JobError(f"{file}: {error}", "restore it, or remove it if the workspace is of this version") from None
