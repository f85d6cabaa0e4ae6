"""The dataset's card: every number in it comes from the statistics."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
from huggingface_hub import DatasetCard, DatasetCardData

from handlers.dataset.statistics import Statistics

TEMPLATE = Path(__file__).with_name("card.md.j2")
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))
OWN = "as its author wrote it"
ASKED = {
    "analyse": "the analysis as one JSON object",
    "explain": "what it is, and why it matters here",
    "fix": "how to fix it, and how to check",
    "triage": "how severe it is, and why",
    "cwe": "description to CWE",
    "cvss": "description to CVSS vector, where the report has one",
    "no_fix": "which version fixes it, where the report names none",
    "unknown": "what the report does not say",
}


def write_card(path: Path, figures: Statistics) -> None:
    """Writes the card, the same bytes for the same figures."""
    total = sum(side.rows for side in figures.sides.values())
    shares = figures.built.tasks
    text = DatasetCard.from_template(
        _front_matter(figures, total),
        template_path=str(TEMPLATE),
        figures=figures,
        built=figures.built,
        total=total,
        table=_table,
        percent=lambda share: f"{100 * share:.4g} %",
        sides=[(name, side.rows, side.groups, side.bytes) for name, side in figures.sides.items()],
        tasks=[(task, ASKED.get(task, OWN), shares.get(task, ""), count) for task, count in figures.tasks.items()],
        origins=[(name, count, f"{count / total:.1%}") for name, count in figures.origins.items()],
        generations=", ".join(f"{depth}: {count} rows" for depth, count in figures.generations.items()),
        settings=msgspec.json.format(msgspec.json.encode(figures.built), indent=2).decode(),
    )
    path.write_text(str(text).rstrip() + "\n", encoding="utf-8")


def _front_matter(figures: Statistics, total: int) -> DatasetCardData:
    files = [{"split": side, "path": of_side.path(side)} for side, of_side in figures.sides.items()]
    return DatasetCardData(
        pretty_name="Security findings, explained",
        language=["en"],
        license="other",
        license_name="as-of-its-sources",
        annotations_creators=["machine-generated", *(["expert-generated"] if figures.user_rows else [])],
        source_datasets=["original"],
        task_categories=["text-generation"],
        size_categories=[next((name for limit, name in SIZES if total < limit), "10M<n<100M")],
        tags=["security", "vulnerability-analysis", "sarif", "scantune"],
        configs=[{"config_name": "default", "data_files": files}],
    )


def _table(head: tuple[str, ...], lines: Iterable[tuple[object, ...]]) -> str:
    rows = [head, tuple("---" for _ in head), *lines]
    return "\n".join(f"| {' | '.join(_cell(each) for each in row)} |" for row in rows)


def _cell(value: object) -> str:
    """Names come from reports: nothing in them may end a cell or start a link."""
    return str(value).translate({ord(each): None for each in "|\n[]<>`"})
