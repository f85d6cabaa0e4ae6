"""The stage on real reports: one run, by the same path as the watcher's."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from config.settings import Settings
from handlers.analysis import stage as analysis_stage
from handlers.analysis.run import Account
from handlers.narrative import stage as narrative_stage
from handlers.records import Analysis, Narrative, load_lines
from watcher.errors import BadInput
from watcher.execute import execute
from watcher.stage import Attempt, Outcome
from watcher.workspace import Workspace

BANDIT = {
    "errors": [],
    "generated_at": "2024-01-01T00:00:00Z",
    "metrics": {"_totals": {}},
    "results": [
        {
            "code": "1 assert user\n",
            "filename": "shop/login.py",
            "issue_confidence": "HIGH",
            "issue_severity": "LOW",
            "issue_text": "Use of assert detected.",
            "line_number": 1,
            "line_range": [1],
            "more_info": "https://bandit.readthedocs.io/en/latest/plugins/b101_assert_used.html",
            "test_id": "B101",
            "test_name": "assert_used",
        }
    ],
}


@pytest.fixture(autouse=True)
def furnished(tmp_path: Path, furnish: Callable[[Path], Path]) -> None:
    furnish(tmp_path)


def run(artifact: Path, root: Path) -> tuple[Outcome, Path]:
    out = root / "out"
    out.mkdir()
    stage = analysis_stage(Settings(), root)
    return stage.run([artifact], out, Attempt("0" * 64, root / "resume", root / "cache")), out


def test_a_report_becomes_analyses_and_books(tmp_path: Path) -> None:
    report = tmp_path / "any name"
    report.write_text(json.dumps(BANDIT))
    outcome, out = run(report, tmp_path)
    made = list(load_lines(out / "analysis.jsonl", Analysis))
    assert [each.finding.rule_id for each in made] == ["B101"]
    account = msgspec.json.decode((out / "books.json").read_bytes(), type=Account)
    assert account.books.balanced
    assert (account.books.seen, account.books.kept) == (1, 1)
    assert account.tools == ("bandit",)
    assert outcome.counts["findings"] == 1
    assert not outcome.incomplete


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b'{"results": [', b'{"some": "json"}'])
def test_what_is_no_report_is_bad_input_with_a_reason(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "dropped"
    file.write_bytes(content)
    with pytest.raises(BadInput) as raised:
        run(file, tmp_path)
    assert raised.value.reason


def test_an_archive_with_one_broken_member_is_incomplete(tmp_path: Path) -> None:
    archive = tmp_path / "reports.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("good.json", json.dumps(BANDIT))
        out.writestr("bad.json", json.dumps(BANDIT)[:-40])
    outcome, folder = run(archive, tmp_path)
    assert outcome.incomplete
    assert outcome.counts["findings"] == 1
    assert any("bad.json" in each for each in outcome.warnings)
    assert set(msgspec.json.decode((folder / "books.json").read_bytes(), type=Account).unreadable) == {"bad.json"}


def test_two_workspaces_make_the_same_bytes(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text(json.dumps(BANDIT))
    outputs = []
    for name in ("one", "two"):
        workspace = Workspace(tmp_path / name)
        analysis = execute(workspace, analysis_stage(Settings(), workspace.root), [report])
        narrative = execute(workspace, narrative_stage(Settings(), workspace.root), [analysis.folder])
        outputs.append(
            (
                analysis.folder.joinpath("analysis.jsonl").read_bytes(),
                narrative.folder.joinpath("narrative.jsonl").read_bytes(),
            )
        )
        assert [
            each.analysis.finding.rule_id for each in load_lines(narrative.folder / "narrative.jsonl", Narrative)
        ] == ["B101"]
    assert outputs[0] == outputs[1]


def test_the_catalogue_is_part_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = analysis_stage(Settings(), tmp_path)
    before = stage.settings()
    monkeypatch.setattr("handlers.analysis.run.catalogue_version", lambda: "another")
    assert stage.settings() != before


def test_ready_rows_pass_through_both_stages(tmp_path: Path) -> None:
    rows = tmp_path / "mine.jsonl"
    rows.write_text(
        '{"prompt": "a?", "completion": "b"}\n{"instruction": "c?", "response": "d", "group": "CVE-2024-1"}\n'
    )
    workspace = Workspace(tmp_path / "workspace")
    analysis = execute(workspace, analysis_stage(Settings(), workspace.root), [rows])
    narrative = execute(workspace, narrative_stage(Settings(), workspace.root), [analysis.folder])
    assert (narrative.folder / "rows.jsonl").read_bytes() == rows.read_bytes()
    assert analysis.receipt.counts["rows"] == 2


def test_a_bad_row_is_named(tmp_path: Path) -> None:
    rows = tmp_path / "mine.jsonl"
    rows.write_text('{"prompt": "a?", "completion": "b"}\n{"prompt": "no answer"}\n')
    outcome, _ = run(rows, tmp_path)
    assert outcome.incomplete
    assert outcome.warnings[0].startswith("line 2 is no row")


def test_a_torn_report_in_a_zip_within_a_zip_is_named(tmp_path: Path) -> None:
    inner, outer = tmp_path / "inner.zip", tmp_path / "outer.zip"
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("good.json", '{"errors": [], "metrics": {"_totals": {}}, "results": []}')
        archive.writestr("torn.sarif", '{"version": "2.1.0", "runs": [')
    with zipfile.ZipFile(outer, "w") as archive:
        archive.write(inner, "inner.zip")
    out = tmp_path / "out"
    out.mkdir()
    outcome = analysis_stage(Settings(), tmp_path).run(
        [outer], out, Attempt("0" * 64, tmp_path / "resume", tmp_path / "cache")
    )
    assert outcome.incomplete
    assert any("inner.zip!torn.sarif" in each for each in outcome.warnings)
