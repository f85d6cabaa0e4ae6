"""Lets a file fall into the inbox as a whole, with where it comes from beside it, exactly once."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from handlers.sources.memory import Event, Memory, Provenance
from watcher.files import make_folder, surroundings, sync, write_durable
from watcher.settling import SIDECAR

PART = ".github-"
"""Prefix of hidden files in the inbox; the engine leaves hidden files alone."""
LONGEST_NAME = 150


class Inbox:
    """The inbox as one source uses it."""

    def __init__(self, folder: Path, memory: Memory) -> None:
        with surroundings():
            self._folder = make_folder(folder)
        self._memory = memory

    def recover(self) -> int:
        """After a kill: finishes what was landing, removes what was only half fetched; returns how many landed."""
        landing = self._memory.landing()
        for event in landing:
            self._finish(event)
        for left_over in self._left_over():
            left_over.unlink(missing_ok=True)
        return len(landing)

    def needs_recovery(self) -> bool:
        """Whether a hidden file waits; if none does, recovery can wait until the journal is read anyway."""
        return bool(self._left_over())

    def _left_over(self) -> list[Path]:
        return list(self._folder.glob(f"{PART}*"))

    def part(self, item: str) -> Path:
        """The hidden file into which an item is fetched."""
        return self._folder / f"{PART}{plain(item)}"

    def land(self, item: str, name: str, provenance: Provenance) -> None:
        """The fetched hidden file gets its name; its sidecar is there before it."""
        part = self.part(item)
        with surroundings():
            sync(part)
        event = Event(item, "landing", part=part.name, name=name, provenance=provenance)
        self._memory.note(event)
        self._finish(event)

    def _finish(self, event: Event) -> None:
        part, target = self._folder / event.part, self._folder / event.name
        if part.exists():
            write_durable(target.with_name(target.name + SIDECAR), msgspec.json.encode(event.provenance))
            with surroundings():
                part.rename(target)
                sync(self._folder)
        self._memory.note(Event(event.id, "landed"))


def plain(text: str) -> str:
    """A text as a part of a file's name: letters, digits, `.`, `_` and `-` only, and not too long."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-")[:LONGEST_NAME] or "unnamed"


def looks_like_zip(file: Path) -> bool:
    with file.open("rb") as content:
        return content.read(4) in (b"PK\3\4", b"PK\5\6")
