"""What belongs together when no advisory says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from handlers.dataset.groups import own_key
from handlers.dataset.split import Side, side_of
from handlers.records import Location, Narrative
from tests.handlers.dataset.builds import run
from tests.handlers.dataset.made import folder, narrative

CODE = 'rows = db.execute("SELECT * FROM books WHERE title = \'" + title + "\'")'


def told(rule: str, snippet: str | None, line: int = 28) -> Narrative:
    """One scan's finding as one of its report formats tells it."""
    place = Location(path="api/app.py", line=line)
    fields = {"rule_id": rule, "ids": (), "package": None, "locations": (place,), "snippet": snippet, "tool": "semgrep"}
    return narrative(1 if snippet else 2, name="the search", **fields)


def rule_with_sides(bare: Side, quoted: Side) -> str:
    """A rule whose findings fall on these sides without and with the code."""

    def sides(rule: str) -> tuple[str, str]:
        keys = (own_key(told(rule, code).analysis.finding) for code in (None, CODE))
        first, second = (side_of(key, 0.2) for key in keys)
        return first, second

    return next(rule for rule in (f"rule-{number}" for number in range(1000)) if sides(rule) == (bare, quoted))


@pytest.mark.parametrize(("bare", "quoted"), [("train", "valid"), ("valid", "train")])
def test_one_scan_in_two_formats_never_stands_on_both_sides(tmp_path: Path, bare: Side, quoted: Side) -> None:
    rule = rule_with_sides(bare, quoted)
    inputs = [folder(tmp_path, "json", told(rule, None)), folder(tmp_path, "sarif", told(rule, CODE))]
    out, _ = run(tmp_path, "out", inputs)
    lineage = [json.loads(line) for line in (out / "lineage.jsonl").read_text().splitlines()]
    assert {each["side"] for each in lineage} == {"valid"}
    assert len({each["group"] for each in lineage}) == 1


def test_another_line_is_another_problem(tmp_path: Path) -> None:
    rule = rule_with_sides("train", "valid")
    inputs = [folder(tmp_path, "json", told(rule, None)), folder(tmp_path, "sarif", told(rule, CODE, line=90))]
    out, _ = run(tmp_path, "out", inputs)
    groups = {json.loads(line)["group"] for line in (out / "lineage.jsonl").read_text().splitlines()}
    assert len(groups) == 2
