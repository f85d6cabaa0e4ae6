"""Where each row of a dataset comes from, and the way back: `lineage.jsonl` names a row's narrative and its finding."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from handlers.dataset.lines import find_lines, job_folders, stored_narratives
from handlers.dataset.parts import file_name, side_files
from handlers.dataset.split import Side
from handlers.records import Record, load_lines
from watcher.receipt import ReceiptError, read_receipt
from watcher.workspace import Workspace

log = logging.getLogger(__name__)
LINEAGE = "lineage"
"""In the place of a side in the names of files."""
FINGERPRINT = re.compile(r"\d+:[0-9a-f]{16,128}")


class Lineage(Record, frozen=True, kw_only=True):
    """What one row was made of."""

    row: str  # digest of the row's text, whatever its case and white space
    side: Side
    part: str  # of the dataset, see `parts`; empty if it is in one piece
    line: int  # 1-based, in SIDE.jsonl or SIDE-PART.jsonl
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

    @property
    def place(self) -> str:
        """How a person names the row: `train:17`, `train-0110:17`."""
        return f"{file_name(self.side, self.part).removesuffix('.jsonl')}:{self.line}"


def find_rows(dataset: Path, wanted: str) -> Iterator[Lineage]:
    """The rows of the dataset in `dataset` that `wanted` names: "train:17" (of a part: "train-0110:17"), the start of a
    row's digest (6 digits at least), a narrative's digest, or a finding's fingerprint."""
    for each in (row for file in side_files(dataset, LINEAGE) for row in load_lines(file, Lineage)):
        named = wanted in (each.place, each.fingerprint, each.narrative)
        if named or (len(wanted) >= 6 and each.row.startswith(wanted)):
            yield each


def find_inputs(row: Lineage, inputs: Iterable[Path]) -> Iterator[Path]:
    """Those of the narrative jobs' folders in which the row's narrative stands."""
    for folder in inputs:
        if row.narrative in find_lines([folder]).inputs:
            yield folder


def trace_rows(workspace: Workspace, wanted: str) -> dict[Lineage, list[str]]:
    """The rows of the newest dataset that `wanted` names, and the keys of the narrative jobs that each stands in."""
    receipts = []
    for folder in job_folders(workspace.outbox, "dataset"):
        try:
            receipts.append(read_receipt(folder))
        except ReceiptError as error:
            if folder.exists():  # else it was removed since
                log.warning("%s: this dataset is left out, see `scantune doctor`", error)
    newest = max(receipts, key=lambda each: (str(each.clock.get("started", "")), each.key), default=None)
    if newest is None:
        return {}
    folders = {workspace.job(each.stage, each.key): each.key for each in newest.inputs}
    rows = find_rows(workspace.job(newest.stage, newest.key), wanted)
    return {row: [folders[folder] for folder in find_inputs(row, folders)] for row in rows}


def find_problem(workspace: Workspace, rows: Iterable[Lineage]) -> list[str]:
    """The keys of the narrative jobs that tell of the rows' problems: the same finding, or the same advisory."""
    names = {f'"{each}"'.encode() for row in rows for each in (row.fingerprint, row.group) if each}
    told = stored_narratives(workspace.outbox) if names else ()
    return [key for key, content in told if any(name in content for name in names)]


def find_finding(workspace: Workspace, fingerprint: str) -> list[str]:
    """The keys of the narrative jobs that tell of a finding, whether or not a row stands in a dataset."""
    if not FINGERPRINT.fullmatch(fingerprint):
        return []
    told = f'"fingerprint":"{fingerprint}"'.encode()
    return [key for key, content in stored_narratives(workspace.outbox) if told in content]
