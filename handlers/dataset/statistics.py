"""The figures of a dataset, computed from its rows; `statistics.json` holds them, the card prints them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import ceil
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from handlers.dataset.choose import Choice
from handlers.dataset.lines import Lines
from handlers.dataset.making import Built
from handlers.dataset.parts import file_name
from handlers.dataset.split import SIDES, Side
from handlers.records import Class, Origin, Record, Severity
from watcher.errors import BadInput

FILE = "statistics.json"


class SideFigures(Record, frozen=True, kw_only=True):
    rows: int
    groups: int
    bytes: int
    files: int  # more than one if the dataset is in parts: SIDE-*.jsonl instead of SIDE.jsonl

    def path(self, side: str) -> str:
        """The side's file, or a pattern of them."""
        return file_name(side, "*" if self.files > 1 else "")


LENGTH_BIN = 64
"""Tokens in one step of the histogram of lengths."""


class Lengths(Record, frozen=True, kw_only=True):
    """Of rows, in tokens of the base model (or estimates, see `gates.tokens`)."""

    median: int
    p95: int
    longest: int
    histogram: dict[str, int]  # length in tokens, rounded down to a step of LENGTH_BIN -> rows


class Statistics(Record, frozen=True, kw_only=True):
    """Counts of a dataset. made = the sum of all sides' rows + the sum of left_out."""

    inputs: int  # files of narratives or of people's rows, each content once
    narratives: int  # different ones in them
    user_rows: int
    bad_rows: int
    problems: int  # different ones among the narratives
    made: int  # rows before anything was left out
    left_out: dict[str, int]  # reason: rows
    shortened: int  # rows whose description or code was cut, visibly, to fit the base model
    sides: dict[str, SideFigures]
    tasks: dict[str, int]  # task: rows
    tools: dict[str, int]  # tool: problems that it saw
    rules: dict[str, int]  # rule: rows; the 50 most frequent
    classes: dict[str, int]
    severities: dict[str, int]
    origins: dict[str, int]  # "rules@1": rows
    generations: dict[str, int]  # depth: rows; 0 is written by rules or a person
    licences: dict[str, int]  # of quoted text: rows
    tokens: Lengths
    built: Built
    waits: str | None  # why nothing can be trained on it yet


def load_statistics(folder: Path) -> Statistics:
    """The figures of the dataset in `folder`. Raises BadInput if it has none."""
    file = folder / FILE
    try:
        return msgspec.json.decode(file.read_bytes(), type=Statistics)
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}", "name the folder of a finished dataset") from None
    except msgspec.DecodeError as error:
        hint = "if an earlier version made it, `scantune retry --affected-by dataset` has it made again"
        raise BadInput(f"{file}: {error}", hint) from None


def measure(choice: Choice, lines: Lines, sizes: dict[Side, list[int]], built: Built) -> Statistics:
    """The statistics of a choice between the rows of `lines`, whose sides have files of `sizes` bytes each."""
    table, items = choice.table, choice.table.items[choice.rows]
    rows_of = np.bincount(items["source"], minlength=len(table.sources))
    standing = np.flatnonzero(rows_of).tolist()
    told = [(table.sources[each], rows) for each, rows in zip(standing, rows_of[standing].tolist(), strict=True)]
    kinds = Counter[tuple[Class | None, Severity, Origin, str]]()
    for source, rows in told:
        kinds[source.class_, source.severity, source.origin, source.licence] += rows
    groups = Counter({choice.groups[each]: choice.sides[each] for each in standing}.values())
    per_side = Counter[Side]()
    for each, (_, rows) in zip(standing, told, strict=True):
        per_side[choice.sides[each]] += rows
    sides: dict[str, SideFigures] = {
        side: SideFigures(rows=per_side[side], groups=groups[side], bytes=sum(each), files=len(each))
        for side, each in sizes.items()
    }
    rules = _weigh((source.rule_id, rows) for source, rows in told)
    seen = [problem for each, problem in choice.problems.items() if not table.sources[each].by_user]
    tasks = np.bincount(items["task"], minlength=len(table.tasks)).tolist()
    by_user = sum(source.by_user for source in table.sources)
    return Statistics(
        inputs=lines.files,
        narratives=len(lines.found) - by_user,
        user_rows=by_user,
        bad_rows=len(lines.bad),
        problems=len(seen),
        made=choice.made,
        left_out={reason: count for reason, count in sorted(choice.left_out.items()) if count},
        shortened=int(items["shortened"].sum()),
        sides=sides,
        tasks={task: rows for task, rows in zip(table.tasks, tasks, strict=True) if rows},
        tools=dict(sorted(Counter(tool for each in seen for tool in each.tools).items())),
        rules=dict(sorted(rules.items(), key=lambda each: (-each[1], each[0]))[:50]),
        classes=_weigh((class_ or "user", rows) for (class_, _, _, _), rows in kinds.items()),
        severities=_weigh((severity, rows) for (_, severity, _, _), rows in kinds.items()),
        origins=_weigh((f"{each.kind}@{each.version}", rows) for (_, _, each, _), rows in kinds.items()),
        generations=_weigh((str(each.generation), rows) for (_, _, each, _), rows in kinds.items()),
        licences=_weigh((licence, rows) for (_, _, _, licence), rows in kinds.items()),
        built=built,
        tokens=_lengths(np.sort(items["tokens"]).astype(np.intp)),
        waits=_waits(sides),
    )


def _lengths(ordered: npt.NDArray[np.intp]) -> Lengths:
    """Quantiles are of the rows themselves: the least length that the given share of the rows does not exceed."""
    if not len(ordered):
        return Lengths(median=0, p95=0, longest=0, histogram={})
    half, most = (int(ordered[ceil(share * len(ordered)) - 1]) for share in (0.5, 0.95))
    bins = np.bincount(ordered // LENGTH_BIN)
    histogram = {str(LENGTH_BIN * each): int(bins[each]) for each in np.flatnonzero(bins).tolist()}
    return Lengths(median=half, p95=most, longest=int(ordered[-1]), histogram=histogram)


def _weigh(told: Iterable[tuple[str, int]]) -> dict[str, int]:
    """The sum of rows of each name."""
    counts: Counter[str] = Counter()
    for name, rows in told:
        counts[name] += rows
    return dict(sorted(counts.items()))


def _waits(sides: dict[str, SideFigures]) -> str | None:
    empty = [side for side in SIDES[:2] if not sides[side].rows]
    if not empty:
        return None
    groups = sum(figures.groups for figures in sides.values())
    return f"no rows on the side {' and '.join(empty)} with {groups} group(s): more findings are needed"
