"""`scantune ask` by its command line, on a real report and a real tiny model."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from config.settings import Settings
from handlers import analysis, narrative
from handlers.ask import writers
from handlers.ask.writers import Model
from handlers.cli.main import main
from handlers.dataset.groups import own_key
from handlers.dataset.rows import load_rows
from handlers.demo.table import table
from handlers.records import Narrative, load_lines
from tests.handlers.analysis.test_stage import BANDIT
from watcher.execute import execute
from watcher.workspace import Workspace


@pytest.fixture
def report(tmp_path: Path) -> Path:
    file = tmp_path / "report.json"
    second = {**BANDIT["results"][0], "filename": "shop/cart.py", "line_number": 9}  # type: ignore[index,dict-item]
    file.write_text(json.dumps({**BANDIT, "results": [*BANDIT["results"], second]}))  # type: ignore[misc]
    return file


@pytest.fixture
def workspace(tmp_path: Path, report: Path, furnish: Callable[[Path], Path]) -> Workspace:
    made = Workspace(furnish(tmp_path / "workspace")).make()
    done = execute(made, analysis.stage(Settings(), made.root), [report])
    execute(made, narrative.stage(Settings(), made.root), [done.folder])
    return made


@pytest.fixture
def stored(workspace: Workspace) -> list[Narrative]:
    file = next(workspace.outbox.glob("narrative/*/*/narrative.jsonl"))
    return list(load_lines(file, Narrative))


def ask(workspace: Workspace, *words: str) -> int:
    return main(["--workspace", str(workspace.root), "ask", *words])


def dropped(workspace: Workspace) -> list[Path]:
    return sorted(workspace.inbox.glob("*.jsonl"))


def test_a_report_is_shown_finding_by_finding(
    workspace: Workspace, report: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(workspace, str(report), "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert [each["where"] for each in shown] == ["shop/login.py, line 1", "shop/cart.py, line 9"]
    assert shown[0]["texts"][0]["writer"] == "rules"
    assert shown[0]["texts"][0]["fix"]
    assert dropped(workspace) == []


def test_the_page_says_what_is_left_out(workspace: Workspace, report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(workspace, str(report), "--at-most", "1") == 0
    told = capsys.readouterr()
    assert "shop/login.py" in told.out
    assert "shop/cart.py" not in told.out
    assert "1 more" in told.err
    assert "no champion" in told.err


def test_accepting_makes_rows_of_the_findings_group(workspace: Workspace, stored: list[Narrative]) -> None:
    finding = stored[0].analysis.finding
    assert ask(workspace, finding.fingerprint, "--accept") == 0
    rows = load_rows(dropped(workspace)[0])
    assert rows.bad == ()
    assert [each.task for each in rows.examples] == ["explain", "fix"]
    assert {each.group for each in rows.examples} == {own_key(finding)}
    assert rows.examples[0].answer == f"{stored[0].what}\n\n{stored[0].why}"


def test_the_same_verdict_twice_is_one_file(workspace: Workspace, stored: list[Narrative]) -> None:
    for _ in range(2):
        assert ask(workspace, stored[0].analysis.finding.fingerprint, "--accept") == 0
    assert len(dropped(workspace)) == 1


def test_rejecting_says_why(workspace: Workspace, stored: list[Narrative]) -> None:
    assert ask(workspace, stored[0].analysis.finding.fingerprint, "--reject", "Test code, never deployed.") == 0
    rows = load_rows(dropped(workspace)[0]).examples
    assert [(each.task, each.answer) for each in rows] == [("triage", "Test code, never deployed.")]


def editor(tmp_path: Path, script: str) -> str:
    file = tmp_path / "editor"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file)


def test_editing_takes_what_the_editor_leaves(
    workspace: Workspace, stored: list[Narrative], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "# what\\nMy words.\\n# why\\nMy reasons.\\n# fix\\nDo this.\\n# check\\nLook there.\\n"
    monkeypatch.setenv("VISUAL", editor(tmp_path, f"printf '{text}' > \"$1\""))
    assert ask(workspace, stored[0].analysis.finding.fingerprint, "--edit") == 0
    rows = load_rows(dropped(workspace)[0]).examples
    assert [each.answer for each in rows] == ["My words.\n\nMy reasons.", "Do this.\n\nLook there."]


@pytest.mark.parametrize(("script", "status", "said"), [
    ("true", 0, "nothing was changed"),
    ("exit 3", 1, "failed"),
    ("echo gone > \"$1\"", 1, "no section what"),
    ("printf 'caf\\351' > \"$1\"", 1, "not in UTF-8"),
])  # fmt: skip
def test_an_editor_that_changes_nothing_fails_or_destroys(
    script: str, status: int, said: str, workspace: Workspace, stored: list[Narrative], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("VISUAL", editor(tmp_path, script))
    assert ask(workspace, stored[0].analysis.finding.fingerprint, "--edit") == status
    assert said in capsys.readouterr().err
    assert dropped(workspace) == []


@pytest.mark.parametrize("subject", ["abc", "1:ffffffffffff", "no/such/file.json"])
def test_what_is_not_there_is_named(subject: str, workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(workspace, subject) == 1
    assert subject in capsys.readouterr().err


def test_a_verdict_needs_one_finding(workspace: Workspace, report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(workspace, str(report), "--accept") == 1
    assert "2 findings" in capsys.readouterr().err


def test_the_champions_text_is_gated_and_shown_beside(
    workspace: Workspace, report: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The tiny model writes nonsense, which the gate refuses; accepting then takes the rules' text."""
    monkeypatch.setattr(writers, "models", lambda *_, base: [Model("champion x-v1", tiny_model, "abc", tuned=True)])
    assert ask(workspace, str(report), "--at-most", "1", "--json") == 0
    texts = json.loads(capsys.readouterr().out)[0]["texts"]
    assert [each["writer"] for each in texts] == ["rules", "champion x-v1"]
    assert texts[1]["refused"]


def test_a_dropped_verdict_reaches_the_dataset_stage(workspace: Workspace, stored: list[Narrative]) -> None:
    assert ask(workspace, stored[0].analysis.finding.fingerprint, "--accept") == 0
    done = execute(workspace, analysis.stage(Settings(), workspace.root), dropped(workspace))
    passed = execute(workspace, narrative.stage(Settings(), workspace.root), [done.folder])
    assert load_rows(passed.folder / "rows.jsonl").bad == ()
    assert msgspec.json.decode(passed.folder.joinpath("rows.jsonl").read_bytes().splitlines()[0])["group"]


def test_the_demo_counts_no_findings_in_a_verdict(workspace: Workspace, stored: list[Narrative]) -> None:
    assert ask(workspace, stored[0].analysis.finding.fingerprint, "--accept") == 0
    execute(workspace, analysis.stage(Settings(), workspace.root), dropped(workspace))
    assert "findings  2" in table(workspace, None).splitlines()
