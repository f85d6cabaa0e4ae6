"""The dataset's card: every number in it comes from the statistics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import yaml

from handlers.dataset.statistics import Statistics

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def write_card(path: Path, figures: Statistics) -> None:
    front = yaml.safe_dump(_front_matter(figures), sort_keys=False, allow_unicode=True)
    body = "\n\n".join(_paragraphs(figures))
    path.write_text(f"---\n{front}---\n\n{body}\n", encoding="utf-8")


def _front_matter(figures: Statistics) -> dict[str, object]:
    total = sum(side.rows for side in figures.sides.values())
    files = [{"split": side, "path": f"{side}.jsonl"} for side in figures.sides]
    return {
        "pretty_name": "Security findings, explained",
        "language": ["en"],
        "license": "other",
        "license_name": "as-of-its-sources",
        "task_categories": ["text-generation"],
        "size_categories": [next((name for limit, name in SIZES if total < limit), "n>1M")],
        "tags": ["security", "sarif", "scantune"],
        "configs": [{"config_name": "default", "data_files": files}],
    }


def _paragraphs(figures: Statistics) -> Iterator[str]:
    yield "# Security findings, explained"
    yield (
        f"Chat rows made by scantune from {figures.narratives} narratives of security findings "
        f"({figures.problems} different problems) in {figures.inputs} input(s), and {figures.user_rows} rows by people."
    )
    yield "## Split\n\n" + _table(
        ("side", "rows", "groups"), ((name, side.rows, side.groups) for name, side in figures.sides.items())
    )
    yield (
        "All rows of one problem stand on one side. The side follows from a digest of the problem's key (its advisory, "
        "else CWE, rule and package or code), so a row never changes side when the dataset grows."
    )
    if figures.waits:
        yield f"Not ready for training: {figures.waits}."
    yield "## Tasks\n\n" + _counts("task", "rows", figures.tasks)
    yield "## Sources\n\n" + _counts("scanner", "problems", figures.tools)
    yield "## Origins\n\n" + _counts("written by", "rows", figures.origins)
    yield (
        "## Licence\n\nThe rows are made of the owner's own scan reports. What they quote of scanners, advisories and "
        "catalogues stays under the terms of these."
    )
    yield "## Left out\n\n" + _counts("reason", "rows", figures.left_out)


def _counts(name: str, what: str, counts: Mapping[str, int]) -> str:
    return _table((name, what), counts.items()) if counts else "None."


def _table(head: tuple[str, ...], lines: Iterable[tuple[object, ...]]) -> str:
    rows = [head, tuple("---" for _ in head), *lines]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '/') for cell in row)} |" for row in rows)
