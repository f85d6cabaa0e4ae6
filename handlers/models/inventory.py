"""Which models there are, where they lie, and how good the finished ones are. No mlx: it only reads."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from config.settings import Settings
from handlers.models.base import TINY, find_base, tiny_folder
from handlers.models.champion import champion
from handlers.models.metadata import METADATA, Metadata, read_finished
from handlers.records import Record
from watcher.errors import JobError


class BaseEntry(Record, frozen=True, kw_only=True):
    """A base model of `models list`."""

    name: str
    path: str
    bytes: int
    default: bool
    embedded: bool
    fault: str | None  # why it can't be used

    @property
    def note(self) -> str:
        marks = ["default"] * self.default + ["for trying and testing only"] * self.embedded
        return ", ".join([f"{self.bytes / 1e6:,.1f} MB", *marks, *([f"fault: {self.fault}"] if self.fault else [])])


class FinishedEntry(Record, frozen=True, kw_only=True):
    """A finished model of `models list`."""

    name: str
    path: str
    bytes: int
    champion: bool
    metadata: Metadata | None
    fault: str | None  # why it can't be used

    @property
    def note(self) -> str:
        if self.metadata is None:
            return f"fault: {self.fault}"
        before, after = self.metadata.before.loss, self.metadata.after.loss
        return f"loss {before:.4f} -> {after:.4f}, on {self.metadata.base_model}, {self.bytes / 1e6:,.1f} MB"


class Inventory(Record, frozen=True, kw_only=True):
    """What `models list` tells."""

    base_models_dir: str
    fine_tuned_models_dir: str
    champion: str | None
    bases: tuple[BaseEntry, ...]
    finished: tuple[FinishedEntry, ...]


def take_inventory(settings: Settings, root: Path) -> Inventory:
    """All models of the settings' two folders and of the workspace; a damaged one is listed with its fault."""
    used = champion(root)
    return Inventory(
        base_models_dir=str(settings.base_models_dir),
        fine_tuned_models_dir=str(settings.fine_tuned_models_dir),
        champion=used.name if used else None,
        bases=tuple(_base(name, settings, root) for name in _base_names(settings, root)),
        finished=tuple(
            _finished(folder, used.path if used else None) for folder in _folders(settings.fine_tuned_models_dir)
        ),
    )


def _folders(parent: Path) -> list[Path]:
    return sorted(each for each in parent.glob("[!.]*") if each.is_dir())


def _base_names(settings: Settings, root: Path) -> Iterator[str]:
    if tiny_folder(root).is_dir():
        yield TINY
    yield from (folder.name for folder in _folders(settings.base_models_dir) if folder.name != TINY)


def _base(name: str, settings: Settings, root: Path) -> BaseEntry:
    folder = tiny_folder(root) if name == TINY else settings.base_models_dir / name
    try:
        embedded, fault = find_base(name, settings, root).embedded, None
    except JobError as error:
        embedded, fault = False, str(error)
    default = name == settings.default_base_model
    return BaseEntry(name=name, path=str(folder), bytes=_size(folder), default=default, embedded=embedded, fault=fault)


def _finished(folder: Path, champion_path: str | None) -> FinishedEntry:
    try:
        metadata, fault = read_finished(folder), None
    except JobError as error:
        metadata = None
        fault = str(error) if (folder / METADATA).exists() else "not made by scantune (no metadata.json)"
    return FinishedEntry(
        name=folder.name,
        path=str(folder),
        bytes=_size(folder),
        champion=str(folder) == champion_path,
        metadata=metadata,
        fault=fault,
    )


def _size(folder: Path) -> int:
    """Bytes of the files in it; a folder or a file that is removed meanwhile counts for nothing."""
    total = 0
    for parent, _, names in os.walk(folder):  # unlike rglob it passes over what is gone
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += Path(parent, name).stat().st_size
    return total
