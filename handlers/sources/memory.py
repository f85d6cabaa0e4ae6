"""What a source has seen, on disk: a journal that a kill at any point leaves readable.

One line an event. An item is `landing` from just before its rename into the inbox until just after: whether the rename
happened is then told by the hidden file, which is there before and not after.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from watcher.files import append_durable, write_durable

State = Literal["landing", "landed", "left out", "gone"]
Provenance = Mapping[str, str | int | bool | None]


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    id: str
    state: State
    why: str = ""
    filters: str = ""  # of "left out": under which settings; others may let it in
    part: str = ""  # of "landing": the hidden file in the inbox
    name: str = ""  # and the name that it gets
    provenance: Provenance = {}


class Schedule(msgspec.Struct, frozen=True, omit_defaults=True):
    """When to ask again; it survives a restart."""

    due: float = 0.0  # wall-clock seconds since 1970
    failures: int = 0  # polls with passing problems in a row
    limit: str = ""  # the rate limit that is the reason, if one is

    @classmethod
    def read(cls, file: Path) -> Schedule:
        try:
            return msgspec.json.decode(file.read_bytes(), type=cls)
        except (FileNotFoundError, msgspec.DecodeError):
            return cls()

    def write(self, file: Path) -> None:
        write_durable(file, msgspec.json.encode(self))


class Memory:
    """The journal and the ETags of one source, under the source's lock.

    `filters` is a digest of the settings that leave items out.
    """

    def __init__(self, folder: Path, filters: str) -> None:
        self._journal = folder / "seen.jsonl"
        self._etags_file = folder / "etags.json"
        self._filters = filters
        self._known: set[str] = set()
        self._landing: dict[str, Event] = {}
        self._loaded = False
        self.etags = self._read_etags()

    def knows(self, item: str) -> bool:
        self._load()
        return item in self._known

    def landing(self) -> list[Event]:
        """What a kill interrupted on its way into the inbox."""
        self._load()
        return list(self._landing.values())

    def _load(self) -> None:
        """Reads the journal when it is first asked for: an unchanged listing never does."""
        if not self._loaded:
            self._loaded = True
            for event in self._events():
                self._take(event)

    def note(self, event: Event) -> None:
        """Writes an event down; it is on the disk when this returns."""
        self._load()
        append_durable(self._journal, msgspec.json.encode(event) + b"\n")
        self._take(event)

    def leave_out(self, item: str, why: str) -> None:
        self.note(Event(item, "left out", why, filters=self._filters))

    def keep_etag(self, listing: str, etag: str | None) -> None:
        """Marks a listing as one of which every item is in the journal (an ETag), or may not be (None)."""
        if self.etags.get(listing) != etag:
            if etag is None:
                del self.etags[listing]
            else:
                self.etags[listing] = etag
            write_durable(self._etags_file, msgspec.json.encode({"filters": self._filters, "etags": self.etags}))

    def _take(self, event: Event) -> None:
        if event.state == "landing":
            self._landing[event.id] = event
        elif event.state != "left out" or event.filters == self._filters:
            self._landing.pop(event.id, None)
            self._known.add(event.id)

    def _events(self) -> list[Event]:
        if not self._journal.exists():
            return []
        data = self._journal.read_bytes()
        whole, _, torn = data.rpartition(b"\n")
        if torn:  # a kill or a power cut in the middle of a line: that event did not happen
            write_durable(self._journal, whole + b"\n" if whole else b"")
        return msgspec.json.Decoder(Event).decode_lines(whole) if whole else []

    def _read_etags(self) -> dict[str, str]:
        """None under other settings: what they left out has to be looked at again."""
        try:
            kept = msgspec.json.decode(self._etags_file.read_bytes(), type=dict[str, str | dict[str, str]])
        except (FileNotFoundError, msgspec.DecodeError):
            return {}
        etags = kept.get("etags")
        return etags if isinstance(etags, dict) and kept.get("filters") == self._filters else {}
