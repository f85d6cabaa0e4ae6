"""Opens the distilled catalogue of a workspace; makes it where it is missing or of another version."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from handlers.knowledge.advice import advice_digest
from handlers.knowledge.cwe import Catalogue
from watcher.files import write_durable

FORMAT = 1
"""Of the table; a change of its fields counts it up."""


def catalogue_version() -> str:
    """Names what the table is made from; part of the key of every job that uses it."""
    try:
        package = version("cwe2")
    except PackageNotFoundError:
        package = "none"
    return f"cwe2-{package}.{FORMAT}.{advice_digest()}"


def open_catalogue(root: Path) -> Catalogue:
    """The catalogue of the workspace `root`. Raises watcher.errors.Unavailable if it has to be made and can't be."""
    wanted = catalogue_version()
    return _open(root / "state" / "knowledge" / f"{wanted}.json", wanted)


@cache
def _open(path: Path, wanted: str) -> Catalogue:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Catalogue)
    except (FileNotFoundError, msgspec.DecodeError):
        return _make(path, wanted)


def _make(path: Path, wanted: str) -> Catalogue:
    """Several processes may do so at once: each writes its own file of the same bytes, and the last rename stays."""
    from handlers.knowledge.distil import distil

    table = distil(wanted)
    write_durable(path, msgspec.json.encode(table))
    for older in path.parent.glob("cwe2-*.json"):
        if older != path:
            older.unlink(missing_ok=True)
    return table
