import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import msgspec
import pytest

from config.settings import Settings
from handlers import analysis
from handlers.cli.main import main
from handlers.dataset import stage
from handlers.dataset.groups import own_key
from handlers.dataset.lineage import find_inputs, find_rows
from handlers.dataset.lines import stored_narratives
from handlers.dataset.split import side_of
from handlers.narrative import stage as narrative_stage
from handlers.records import Finding, Narrative
from tests.handlers.dataset.builds import run
from tests.handlers.dataset.made import folder, narrative
from watcher.execute import execute
from watcher.lineage import sightings
from watcher.workspace import RECEIPT, Workspace


def test_a_row_leads_to_its_narrative_whatever_names_it(tmp_path: Path) -> None:
    inputs = [
        folder(tmp_path, "a", narrative(1)),
        folder(tmp_path, "b", narrative(2)),
        folder(tmp_path, "c", narrative(1)),
    ]
    out, _ = run(tmp_path, "out", inputs)
    rows = list(find_rows(out, narrative(1).analysis.finding.fingerprint))
    assert rows
    for row in rows:
        assert list(find_inputs(row, inputs)) == [inputs[0], inputs[2]]
        assert row in list(find_rows(out, row.row[:12]))
        assert list(find_rows(out, f"{row.side}:{row.line}")) == [row]
        assert row.pointer == narrative(1).analysis.finding.pointer
    assert list(find_rows(out, "train:100000")) == []


def test_trace_leads_from_a_row_and_from_a_finding_to_what_was_dropped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    workspace = Workspace(tmp_path / "workspace").make()
    settings = Settings()
    sample = resources.files("handlers.demo").joinpath("reports", "bandit.json")
    report = tmp_path / "bandit.json"
    report.write_bytes(sample.read_bytes())
    done = execute(workspace, analysis.stage(settings, workspace.root), [report])
    told = execute(workspace, narrative_stage(settings, workspace.root), [done.folder])
    built = execute(workspace, stage(settings, workspace.root), [told.folder])
    lineage = json.loads((built.folder / "lineage.jsonl").read_bytes().splitlines()[0])
    for subject in (f"{lineage['side']}:1", lineage["row"], lineage["fingerprint"]):
        assert main(["--workspace", str(workspace.root), "trace", subject, "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert lineage in answer["rows"]
        assert answer["first_seen"] == min((each["when"] for each in answer["dropped"]), default=None)
        assert answer["subject"] == [f"narrative/{told.receipt.key}"]
        assert f"analysis/{done.receipt.key}" in answer["made_of"]
    assert main(["--workspace", str(workspace.root), "trace", "train:1"]) == 0
    assert "bandit at /results/" in capsys.readouterr().out
    (built.folder / RECEIPT).write_bytes(b"{")
    main(["--workspace", str(workspace.root), "trace", "train:1"])
    assert f"{built.folder / RECEIPT}: " in caplog.text


def findings(workspace: Workspace) -> Iterator[Finding]:
    for _, content in stored_narratives(workspace.outbox):
        yield from (msgspec.json.decode(each, type=Narrative).analysis.finding for each in content.splitlines())


def test_a_row_tells_the_first_and_the_last_scan_that_saw_its_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second scan finds it on another line: another narrative, of which no row stands, of the same problem."""
    workspace = Workspace(tmp_path / "workspace").make()
    sample = json.loads(resources.files("handlers.demo").joinpath("reports", "bandit.json").read_bytes())
    problem = sample["results"][0]
    for moved in range(2):
        line = problem["line_number"] + moved
        report = tmp_path / f"scan{moved}.json"
        report.write_text(json.dumps({**sample, "results": [{**problem, "line_number": line, "line_range": [line]}]}))
        assert main(["--workspace", str(workspace.root), "run", str(report), "--skip-fine-tuning"]) == 0
    dropped = [each.when for each in sightings(workspace)]
    assert len(dropped) == 2
    capsys.readouterr()
    side = "train" if side_of(own_key(next(iter(findings(workspace)))), 0.2) == "train" else "valid"
    assert main(["--workspace", str(workspace.root), "trace", f"{side}:1", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["subject"]) == 1
    assert [answer["first_seen"], answer["last_seen"]] == dropped
