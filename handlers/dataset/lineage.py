"""Where each row of a dataset comes from, and the way back: `lineage.jsonl` names a row's narrative and its finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from handlers.dataset.lines import find_lines
from handlers.dataset.split import Side
from handlers.records import Record, load_lines

FILE = "lineage.jsonl"


class Lineage(Record, frozen=True, kw_only=True):
    """What one row was made of."""

    row: str  # digest of the row's text, whatever its case and white space
    side: Side
    line: int  # 1-based, in SIDE.jsonl
    task: str
    tokens: int  # of the base model, or an estimate
    group: str
    narrative: str  # digest of the narrative's line, or of the person's
    fingerprint: str  # of the finding; empty for a person's row
    tool: str
    rule_id: str
    pointer: str  # into the member, else into the artifact
    member: str | None
    licence: str  # of the text that the row quotes
    origin: str  # who wrote it: "rules@1", "model@REVISION", "user@1"
    generation: int
    sightings: int  # of the problem, over all inputs
    tools: tuple[str, ...]  # that saw the problem


def find_rows(dataset: Path, wanted: str) -> Iterator[Lineage]:
    """The rows of the dataset in `dataset` that `wanted` names: "train:17", the start of a row's digest (6 digits at
    least), a narrative's digest, or a finding's fingerprint."""
    for each in load_lines(dataset / FILE, Lineage):
        named = wanted in (f"{each.side}:{each.line}", each.fingerprint, each.narrative)
        if named or (len(wanted) >= 6 and each.row.startswith(wanted)):
            yield each


def find_inputs(row: Lineage, inputs: Iterable[Path]) -> Iterator[Path]:
    """Those of the narrative jobs' folders in which the row's narrative stands."""
    for folder in inputs:
        if row.narrative in find_lines([folder]).inputs:
            yield folder
