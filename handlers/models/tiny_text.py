"""What the embedded tiny model reads: the CWE catalogue, as documents and as short chats."""

from __future__ import annotations

import csv
import json
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
    drawn = random.Random(seed)
    result = [chat for each in weaknesses() for chat in (*_about(each), _finding(each, drawn))]
    drawn.shuffle(result)
    return result


def _about(weakness: Weakness) -> Iterator[Chat]:
    name = f"{weakness.id} ({weakness.name})"
    yield Chat(f"What is {name}?", weakness.description)
    if weakness.mitigation:
        yield Chat(f"How is {name} avoided?", weakness.mitigation)
    if weakness.impact:
        yield Chat(f"What can {weakness.id} lead to?", f"{weakness.name} can lead to: {weakness.impact}.")


def _finding(weakness: Weakness, drawn: random.Random) -> Chat:
    """A made-up finding of this weakness, so that the model has seen what reports, paths and JSON look like."""
    rule = "-".join(re.findall(r"[a-z]+", weakness.name.lower())[:4])
    folder, file, line = drawn.choice(_FOLDERS), drawn.choice(_FILES), drawn.randrange(1, 400)
    severity = drawn.choice(("critical", "high", "medium", "low"))
    place = f"{folder}/{file}"
    asked = (
        f"{drawn.choice(_QUESTIONS)}\n\nScanner: {drawn.choice(_SCANNERS)}\nProblem: {weakness.name}\nRule: {rule}\n"
        f"Severity: {severity}\nCWE: {weakness.id}\nLocation: {place}, line {line}\nDescription: {weakness.description}"
    )
    if drawn.random() < 0.5:
        told = {"cwe": weakness.id, "name": weakness.name, "place": f"{place}:{line}", "severity": severity, "ids": []}
        return Chat(asked, json.dumps(told, separators=(",", ":")))
    told_in_words = f"`{rule}` in `{place}:{line}` is {severity}: {weakness.name} ({weakness.id}).\n\n"
    return Chat(
        asked, told_in_words + (f"- {weakness.mitigation}" if weakness.mitigation else "Nothing more is known.")
    )


_QUESTIONS = ("Explain this finding.", "What does this report say?", "Sum this up as JSON.", "What is wrong here?")
_SCANNERS = ("scanner-a", "lint", "audit", "probe")
_FOLDERS = ("src", "api", "web", "lib/core", "deploy", "node_modules/tool")
_FILES = ("app.py", "server.js", "main.tf", "Dockerfile", "index.ts", "package.json", "Login.java", "config.yaml")
