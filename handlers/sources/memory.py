"""What a source has seen, on disk: a journal that a kill at any point leaves readable.

One line an event. An item is `landing` from just before its rename into the inbox until just after: whether the rename
happened is then told by the hidden file, which is there before and not after.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from watcher.files import append_durable, write_durable

log = logging.getLogger(__name__)
SPARE_LINES = 10_000
"""How many lines the journal may have beyond twice those that it had when it was last shortened."""

State = Literal["landing", "landed", "left out", "gone"]
Provenance = Mapping[str, str | int | bool | None]


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the journal: what became of one item of a listing."""

    id: str
    state: State
    why: str = ""
    filters: str = ""  # of "left out": under which settings; others may let it in
    part: str = ""  # of "landing": the hidden file in the inbox
    name: str = ""  # and the name that it gets
    provenance: Provenance = {}


class Marks(msgspec.Struct, frozen=True):
    """Of each listing of which every item is in the journal: its ETag, "" if the server names none."""

    filters: str = ""
    etags: dict[str, str] = {}
    kept: int = 0  # lines of the journal when it was last shortened

    @classmethod
    def read(cls, file: Path) -> Marks:
        try:
            return msgspec.json.decode(file.read_bytes(), type=cls)
        except (FileNotFoundError, msgspec.DecodeError):
            return cls()


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

    `filters` is a digest of the settings that leave items out. Under other settings the ETags are void: what the
    former ones left out has to be looked at again.
    """

    def __init__(self, folder: Path, filters: str) -> None:
        self._journal = folder / "seen.jsonl"
        self._marks_file = folder / "etags.json"
        self._filters = filters
        self._known: dict[str, Event] = {}
        self._landing: dict[str, Event] = {}
        self._lines = 0
        self._loaded = False
        marks = Marks.read(self._marks_file)
        self._kept = marks.kept
        self.etags = marks.etags if marks.filters == filters else {}

    def knows(self, item: str) -> bool:
        self._load()
        return item in self._known

    def landing(self) -> list[Event]:
        """What a kill interrupted on its way into the inbox."""
        self._load()
        return list(self._landing.values())

    def crowded(self) -> bool:
        """Whether the journal is so long that a whole listing is worth its requests, to shorten it."""
        self._load()
        return self._lines > 2 * self._kept + SPARE_LINES

    def shorten(self, prefix: str, listed: Collection[str]) -> None:
        """Writes the journal anew, without the items of this prefix that are listed no more: none of them comes back.

        One line stays of each other item: enough not to fetch it again.
        """
        self._load()
        self._known = {
            item: event for item, event in self._known.items() if item in listed or not item.startswith(prefix)
        }
        events = [*self._known.values(), *self._landing.values()]
        write_durable(self._journal, b"".join(msgspec.json.encode(event) + b"\n" for event in events))
        self._lines = self._kept = len(events)
        self._write_marks()

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
        """Marks a listing as one of which every item is in the journal (an ETag, or ""), or may not be (None)."""
        if self.etags.get(listing) == etag:
            return
        if etag is None:
            del self.etags[listing]
        else:
            self.etags[listing] = etag
        self._write_marks()

    def _write_marks(self) -> None:
        write_durable(self._marks_file, msgspec.json.encode(Marks(self._filters, self.etags, self._kept)))

    def _take(self, event: Event) -> None:
        self._lines += 1
        if event.state == "landing":
            self._landing[event.id] = event
        elif event.state != "left out" or event.filters == self._filters:
            self._landing.pop(event.id, None)
            self._known[event.id] = event

    def _events(self) -> list[Event]:
        """A line that was cut off by a kill, a power cut or a full disk did not happen: its item is fetched again."""
        if not self._journal.exists():
            return []
        data = self._journal.read_bytes()
        whole, _, torn = data.rpartition(b"\n")
        if torn:
            write_durable(self._journal, whole + b"\n" if whole else b"")
        try:
            return msgspec.json.Decoder(Event).decode_lines(whole) if whole else []
        except msgspec.DecodeError:
            return list(self._readable(whole.split(b"\n")))

    def _readable(self, lines: Sequence[bytes]) -> Iterator[Event]:
        for number, line in enumerate(lines, 1):
            try:
                yield msgspec.json.decode(line, type=Event)
            except msgspec.DecodeError as error:
                log.warning("%s, line %d: %s; left out", self._journal, number, error)
