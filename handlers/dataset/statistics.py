"""The figures of a dataset, computed from its rows; `statistics.json` holds them, the card prints them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from handlers.dataset.choose import Choice, Row
from handlers.dataset.rows import BadRow
from handlers.dataset.split import SIDES, Side
from handlers.records import Record
from watcher.errors import BadInput

FILE = "statistics.json"


class SideFigures(Record, frozen=True, kw_only=True):
    rows: int
    groups: int
    bytes: int  # of the side's file


class Statistics(Record, frozen=True, kw_only=True):
    """Counts of a dataset. made = the sum of all sides' rows + the sum of left_out."""

    inputs: int  # narrative files, each content once
    narratives: int  # in them, users' rows not counted
    user_rows: int
    bad_rows: int
    problems: int  # different ones among the narratives
    made: int  # rows before anything was left out
    left_out: dict[str, int]  # reason: rows
    sides: dict[str, SideFigures]
    tasks: dict[str, int]  # task: rows
    tools: dict[str, int]  # tool: problems that it saw
    rules: dict[str, int]  # rule: rows; the 50 most frequent
    classes: dict[str, int]
    severities: dict[str, int]
    origins: dict[str, int]  # "rules@1": rows
    generations: dict[str, int]  # depth: rows; 0 is written by rules or a person
    waits: str | None  # why nothing can be trained on it yet


def load_statistics(folder: Path) -> Statistics:
    """The figures of the dataset in `folder`. Raises BadInput if it has none."""
    file = folder / FILE
    try:
        return msgspec.json.decode(file.read_bytes(), type=Statistics)
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}", "name the folder of a finished dataset") from None
    except msgspec.DecodeError as error:
        raise BadInput(f"{file}: {error}", "build the dataset again") from None


class Made(Record, frozen=True, kw_only=True):
    """What stood before the choice."""

    inputs: int
    narratives: int
    user_rows: int
    rows: int
    bad: tuple[BadRow, ...]


def measure(choice: Choice, made: Made, sizes: dict[Side, int]) -> Statistics:
    """The statistics of a choice whose sides' files have `sizes` bytes."""
    rows = choice.rows
    per_side, groups = Counter(row.side for row in rows), Counter(choice.groups.values())
    sides: dict[str, SideFigures] = {
        side: SideFigures(rows=per_side[side], groups=groups[side], bytes=size) for side, size in sizes.items()
    }
    seen = [each for each in choice.problems.values() if not each.best.source.by_user]
    return Statistics(
        inputs=made.inputs,
        narratives=made.narratives,
        user_rows=made.user_rows,
        bad_rows=len(made.bad),
        problems=len(seen),
        made=made.rows,
        left_out={reason: count for reason, count in sorted(choice.left_out.items()) if count},
        sides=sides,
        tasks=_count(rows, lambda row: row.item.task),
        tools=dict(sorted(Counter(tool for each in seen for tool in each.tools).items())),
        rules=dict(sorted(_count(rows, lambda row: row.source.rule_id).items(), key=lambda e: (-e[1], e[0]))[:50]),
        classes=_count(rows, lambda row: row.source.class_ or "user"),
        severities=_count(rows, lambda row: row.source.severity),
        origins=_count(rows, lambda row: f"{row.source.origin.kind}@{row.source.origin.version}"),
        generations=_count(rows, lambda row: str(row.source.origin.generation)),
        waits=_waits(sides),
    )


def _count(rows: Iterable[Row], name: Callable[[Row], str]) -> dict[str, int]:
    return dict(sorted(Counter(name(row) for row in rows).items()))


def _waits(sides: dict[str, SideFigures]) -> str | None:
    empty = [side for side in SIDES[:2] if not sides[side].rows]
    if not empty:
        return None
    groups = sum(figures.groups for figures in sides.values())
    return f"no rows on the side {' and '.join(empty)} with {groups} group(s): more findings are needed"
