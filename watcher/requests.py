"""A person's requests to run an input again: empty files `state/again/STAGE/DIGEST`, removed once that is done.

Nothing else ever runs a second time what is done or quarantined.
"""

from __future__ import annotations

from pathlib import Path

from watcher import files
from watcher.workspace import DIGEST, Workspace


def ask(workspace: Workspace, stage: str, digest: str) -> None:
    """Asks that a stage runs an input again, by its digest. Raises Unavailable."""
    files.write_durable(_folder(workspace, stage) / digest, b"")


def asked(workspace: Workspace, stage: str) -> list[str]:
    """The digests of the inputs that a stage is to run again."""
    return [name for name in files.names(_folder(workspace, stage)) if DIGEST.fullmatch(name)]


def drop(workspace: Workspace, stage: str, digest: str) -> None:
    """Takes a request back, because it was carried out. Raises Unavailable."""
    with files.surroundings():
        (_folder(workspace, stage) / digest).unlink(missing_ok=True)


def poke(workspace: Workspace) -> None:
    """Has a running watcher look at everything again."""
    files.make_folder(_bell(workspace).parent)
    with files.surroundings():
        _bell(workspace).write_bytes(b"")


def poked(workspace: Workspace) -> int:
    """Changes whenever somebody pokes; 0 if that can't be told, say while a network folder is away."""
    try:
        return _bell(workspace).stat().st_mtime_ns
    except OSError:
        return 0


def bell_folder(workspace: Workspace) -> Path:
    """The folder in which a poke can be seen as a file event."""
    return files.make_folder(_bell(workspace).parent)


def _bell(workspace: Workspace) -> Path:
    return workspace.state / "bell" / "poked"


def _folder(workspace: Workspace, stage: str) -> Path:
    return workspace.state / "again" / stage
