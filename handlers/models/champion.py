"""The champion: the finished model in use. A pointer in `state/champion.json`, with all that ever happened to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from handlers.records import Record
from watcher.clock import Clock, stamp
from watcher.errors import BadInput
from watcher.files import write_durable
from watcher.locks import held
from watcher.workspace import Workspace

if TYPE_CHECKING:
    from handlers.models.metadata import Metadata

POINTER = Path("state") / "champion.json"


class Champion(Record, frozen=True, kw_only=True):
    """The model in use."""

    name: str
    path: str
    weights: str  # digest of its files, as in its metadata
    base_revision: str


class Event(Record, frozen=True, kw_only=True):
    """One thing that happened."""

    at: str  # UTC, ISO 8601
    action: Literal["promoted", "rolled back", "refused"]
    name: str  # the model that is the champion since then; of a refusal, the refused one
    reasons: tuple[str, ...] = ()


class Pointer(Record, frozen=True, kw_only=True):
    """`champion.json`."""

    line: tuple[Champion, ...] = ()  # those before it, oldest first, and last the champion
    history: tuple[Event, ...] = ()


def champion(root: Path) -> Champion | None:
    """The champion of a workspace, if it has one. Raises BadInput if the pointer is damaged."""
    line = read_pointer(root).line
    return line[-1] if line else None


def read_pointer(root: Path) -> Pointer:
    """The champion and those before it; none if there was never one. Raises BadInput if the file is damaged."""
    file = root / POINTER
    try:
        return msgspec.json.decode(file.read_bytes(), type=Pointer)
    except FileNotFoundError:
        return Pointer()
    except msgspec.DecodeError as error:
        raise BadInput(f"{file}: {error}", "remove it, then `scantune models promote NAME`") from None


def promote(root: Path, folder: Path, metadata: Metadata, reasons: tuple[str, ...], clock: Clock) -> Champion:
    """Makes a finished model the champion, in one step that a crash can't halve; the champion itself stays as it is."""
    new = Champion(name=metadata.name, path=str(folder), weights=metadata.weights, base_revision=metadata.base_revision)
    with _changing(root):
        before = read_pointer(root)
        if before.line[-1:] != (new,):
            event = Event(at=stamp(clock.now()), action="promoted", name=new.name, reasons=reasons)
            _write(root, Pointer(line=(*before.line, new), history=(*before.history, event)))
    return new


def refuse(root: Path, name: str, reasons: tuple[str, ...], clock: Clock) -> None:
    """Notes that a challenger was not good enough; it is kept, and so is the champion."""
    with _changing(root):
        before = read_pointer(root)
        event = Event(at=stamp(clock.now()), action="refused", name=name, reasons=reasons)
        _write(root, Pointer(line=before.line, history=(*before.history, event)))


def roll_back(root: Path, clock: Clock) -> Champion | None:
    """Makes the champion before this one the champion again; None if there was none before.

    Raises BadInput if there is no champion, or if the one before it is gone from the disk.
    """
    with _changing(root):
        before = read_pointer(root)
        if not before.line:
            raise BadInput("there is no champion to roll back from", "`scantune models promote NAME` makes one")
        line = before.line[:-1]
        if line and not Path(line[-1].path).is_dir():
            raise BadInput(f"{line[-1].path}: the champion before is not there any more", "promote another one by name")
        now = line[-1].name if line else "none"
        event = Event(at=stamp(clock.now()), action="rolled back", name=now, reasons=(f"from {before.line[-1].name}",))
        _write(root, Pointer(line=line, history=(*before.history, event)))
    return line[-1] if line else None


@contextlib.contextmanager
def _changing(root: Path) -> Iterator[None]:
    with held(Workspace(root).lock("champion"), "another process changes the champion", wait=True):
        yield


def _write(root: Path, pointer: Pointer) -> None:
    text = msgspec.json.format(msgspec.json.encode(pointer, order="deterministic"), indent=1)
    write_durable(root / POINTER, text + b"\n")
