"""What the embedded tiny model reads: the CWE catalogue, as documents and as short chats."""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cwe2.mappings import navigate_cwe

_MITIGATION = re.compile(r":DESCRIPTION:(.+?)(?=::|:EFFECTIVENESS|$)", re.DOTALL)
_CONSEQUENCE = re.compile(r"SCOPE:([^:]+):IMPACT:([^:]+)")


class Weakness(NamedTuple):
    """One entry of the catalogue, as far as the tiny model reads it."""

    id: str
    name: str
    description: str
    mitigation: str
    impact: str


class Chat(NamedTuple):
    user: str
    assistant: str


def weaknesses() -> list[Weakness]:
    """Every weakness of the catalogue's research view, in its order."""
    table = Path(navigate_cwe["research_concepts"]["csv_file"])
    with table.open(encoding="utf-8", newline="") as rows:
        return [_weakness(row) for row in csv.DictReader(rows)]


def _weakness(row: dict[str, str]) -> Weakness:
    mitigation = _MITIGATION.search(row["Potential Mitigations"])
    impact = _CONSEQUENCE.search(row["Common Consequences"])
    return Weakness(
        id=f"CWE-{row['CWE-ID']}",
        name=row["Name"],
        description=_clipped(row["Description"]),
        mitigation=_clipped(mitigation[1]) if mitigation else "",
        impact=f"{impact[2]} ({impact[1]})" if impact else "",
    )


def _clipped(text: str, length: int = 320) -> str:
    """The first whole sentences of `text` within `length` characters."""
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    end = text.rfind(". ", 0, length)
    return text[: end + 1] if end > 0 else text[:length].rsplit(" ", 1)[0]


def chats(seed: int) -> list[Chat]:
    """All chats, shuffled by `seed`: the same list for the same catalogue and seed."""
    result = [chat for each in weaknesses() for chat in _about(each)]
    random.Random(seed).shuffle(result)
    return result


def _about(weakness: Weakness) -> Iterator[Chat]:
    name = f"{weakness.id} ({weakness.name})"
    yield Chat(f"What is {name}?", weakness.description)
    if weakness.mitigation:
        yield Chat(f"How is {name} avoided?", weakness.mitigation)
    if weakness.impact:
        yield Chat(f"What can {weakness.id} lead to?", f"{weakness.name} can lead to: {weakness.impact}.")
