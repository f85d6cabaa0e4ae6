"""What one narrative file gives to a dataset: its rows, ready to be written, and what choosing between rows must know.

A shard follows from the file's content and the settings alone, so an earlier build's shard saves making it again.
Beside a shard lie its rows' lines in one file, and the index of them and of their sources in another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from handlers.dataset.groups import advisories, named_in, own_key, subject
from handlers.dataset.rows import BadRow, Example, Message, load_rows, text_key
from handlers.dataset.tasks import digest_of, drafts
from handlers.records import Class, Narrative, Origin, Record, Severity, load_lines
from watcher.errors import BadInput

USER = "user"
"""The task of a row that a person wrote without saying which generated row it replaces."""


class Item(Record, frozen=True, kw_only=True, array_like=True):
    """One row of a shard."""

    key: str  # digest of its text: `rows.text_key`
    task: str
    start: int  # of its line in the shard's rows
    size: int  # bytes of that line without the newline


class Source(Record, frozen=True, kw_only=True, array_like=True):
    """One narrative, or one row of a person's, and the rows made of it."""

    digest: str
    own: str  # the key that decides the side
    aliases: tuple[str, ...]
    subject: str
    weight: int  # how much it says, in bytes
    fingerprint: str
    tool: str
    tools: tuple[str, ...]  # that reported it, where an analysis merged several
    seen: int  # how many records of the report state it
    rule_id: str
    class_: Class | None
    severity: Severity
    pointer: str
    member: str | None
    origin: Origin
    items: tuple[Item, ...]

    @property
    def by_user(self) -> bool:
        return self.origin.kind == "user"


class Index(Record, frozen=True, kw_only=True):
    sources: tuple[Source, ...]
    bad: tuple[BadRow, ...] = ()


class Shard(NamedTuple):
    sources: tuple[Source, ...]
    bad: tuple[BadRow, ...]
    rows: Path


class Recipe(Record, frozen=True, kw_only=True):
    """The settings that a shard depends on."""

    tasks: tuple[str, ...]


def make_shard(folder: Path, target: Path, recipe: Recipe) -> Index:
    """Makes the shard of one narrative job's folder; its rows' lines go to the new file `target`.

    Raises BadInput if the folder holds neither `narrative.jsonl` nor `rows.jsonl`, or lines that are no narratives.
    """
    writer = Writer()
    sources = [_of_narrative(each, writer, recipe) for each in _narratives(folder)]
    bad: tuple[BadRow, ...] = ()
    if (folder / "rows.jsonl").exists():
        rows = load_rows(folder / "rows.jsonl")
        sources += [_of_user(each, writer) for each in rows.examples]
        bad = rows.bad
    target.write_bytes(b"".join(writer.lines))
    return Index(sources=tuple(sources), bad=bad)


class Writer:
    """Collects rows' lines and knows where each stands."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.size = 0

    def add(self, task: str, messages: tuple[Message, ...]) -> Item:
        line = msgspec.json.encode({"messages": messages})
        item = Item(key=text_key(Example(messages=messages)), task=task, start=self.size, size=len(line))
        self.lines.append(line + b"\n")
        self.size += len(line) + 1
        return item


def _narratives(folder: Path) -> Iterator[Narrative]:
    file = folder / "narrative.jsonl"
    if not file.exists():
        if not (folder / "rows.jsonl").exists():
            raise BadInput(f"{folder}: holds no narrative.jsonl", "give the folder of a finished narrative job")
        return
    try:
        yield from load_lines(file, Narrative)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: a line is no narrative: {error}", "make the narrative again: scantune retry") from None


def _of_narrative(narrative: Narrative, writer: Writer, recipe: Recipe) -> Source:
    finding = narrative.analysis.finding
    return Source(
        digest=digest_of(narrative),
        own=own_key(finding),
        aliases=advisories(finding),
        subject=subject(finding),
        weight=len(narrative.what) + len(narrative.why) + len(narrative.fix) + len(finding.description or ""),
        fingerprint=finding.fingerprint,
        tool=finding.tool,
        tools=tuple(sorted({finding.tool, *(each.tool for each in finding.occurrences)})),
        seen=max(1, len(finding.occurrences)),
        rule_id=finding.rule_id or finding.title,
        class_=finding.class_,
        severity=finding.severity,
        pointer=finding.pointer,
        member=finding.member,
        origin=narrative.origin,
        items=tuple(writer.add(each.task, each.messages) for each in drafts(narrative, recipe.tasks)),
    )


def _of_user(example: Example, writer: Writer) -> Source:
    item = writer.add(example.task or USER, example.messages)
    named = named_in(example.prompt)
    own = example.group or (named[0] if named else f"row {text_key(example)}")
    return Source(
        digest=item.key,
        own=own,
        aliases=named,
        subject="",
        weight=item.size,
        fingerprint="",
        tool="",
        tools=(),
        seen=1,
        rule_id="",
        class_=None,
        severity="unknown",
        pointer="",
        member=None,
        origin=Origin(kind="user", version="1"),
        items=(item,),
    )


def content_key(folder: Path) -> str:
    """A digest of what a narrative job's folder holds for the dataset; its name plays no part."""
    whole = hashlib.sha256()
    for name in ("narrative.jsonl", "rows.jsonl"):
        file = folder / name
        if file.exists():
            with file.open("rb") as content:
                whole.update(hashlib.file_digest(content, "sha256").digest() + name.encode())
    return whole.hexdigest()


def distinct(folders: Iterable[Path]) -> dict[str, Path]:
    """The folders by content, in the order of their digests: equal folders count once, arrival plays no part."""
    return dict(sorted({content_key(each): each for each in folders}.items()))
