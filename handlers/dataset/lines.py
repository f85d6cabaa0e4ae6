"""The set of narratives: every different line of the inputs once, and in how many inputs it stands."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from handlers.dataset.rows import BadRow, read_rows
from watcher.errors import BadInput
from watcher.files import names

NARRATIVES = "narrative.jsonl"
USERS = "rows.jsonl"
"""In the folder of an input that was a file of ready rows."""


class Line(NamedTuple):
    """One narrative, or one row of a person's, where it stands."""

    digest: str  # 32 hexadecimal digits, of its bytes
    file: Path
    start: int
    size: int  # bytes without the newline

    @property
    def by_user(self) -> bool:
        return self.file.name == USERS


class Lines(NamedTuple):
    found: tuple[Line, ...]  # each once, ordered by digest
    inputs: Counter[str]  # digest: in how many inputs of different content
    files: int  # inputs of different content
    bad: tuple[BadRow, ...]  # rows of people that are none
    homes: dict[str, str]  # digest: the digest of the first input in which it stands


def find_lines(folders: Iterable[Path]) -> Lines:
    """All lines of the narrative jobs' folders. Their names, order and doubles play no part.

    Raises BadInput if a folder holds neither narratives nor rows.
    """
    known: set[str] = set()
    first: dict[str, Line] = {}
    inputs: Counter[str] = Counter()
    bad: list[BadRow] = []
    homes: dict[str, str] = {}
    for file in _files(folders):
        wrong: list[BadRow] = []
        here = {each.digest: each for each in _split(file, file.read_bytes(), wrong)}
        whole = hashlib.blake2b(f"{file.name} {sorted(here)} {wrong}".encode(), digest_size=16).hexdigest()
        if whole in known:
            continue
        known.add(whole)
        bad += wrong
        first |= here
        inputs.update(here.keys())
        homes |= {each: min(whole, homes.get(each, whole)) for each in here}
    found = tuple(first[each] for each in sorted(first))
    return Lines(found, inputs, len(known), tuple(sorted(bad, key=_place)), homes)


def stored_narratives(outbox: Path) -> Iterator[tuple[str, bytes]]:
    """The key and the content of each finished job's narratives; a job that is removed meanwhile is left out."""
    for folder in job_folders(outbox, "narrative"):
        with suppress(FileNotFoundError, NotADirectoryError):
            yield folder.name, (folder / NARRATIVES).read_bytes()


def job_folders(outbox: Path, stage: str) -> Iterator[Path]:
    """The folders of a stage's finished jobs, by their keys; any may be removed before it is looked into."""
    for shard in names(outbox / stage):
        for key in names(outbox / stage / shard):
            yield outbox / stage / shard / key


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        files = [folder / name for name in (NARRATIVES, USERS) if (folder / name).exists()]
        if not files:
            raise BadInput(f"{folder}: holds no {NARRATIVES}", "give the folder of a finished narrative job")
        yield from files


def _split(file: Path, content: bytes, bad: list[BadRow]) -> Iterator[Line]:
    """The lines of one file; what is no row of a person's goes to `bad`."""
    start, by_user, person = 0, file.name == USERS, file.name.encode()
    for number, line in enumerate(content.splitlines(keepends=True), start=1):
        text = line.rstrip(b"\r\n")
        wrong = read_rows(text).bad if by_user else ()
        if wrong:
            bad.append(BadRow(line=number, reason=wrong[0].reason))
        elif text and not text.isspace():
            digest = hashlib.blake2b(text, digest_size=16, person=person)
            yield Line(digest.hexdigest(), file, start, len(text))
        start += len(line)


def _place(row: BadRow) -> tuple[int, str]:
    return row.line, row.reason
