"""`scantune inspect`, as other programs and people call it."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from handlers.cli.main import main

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
SARIF = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {"driver": {"name": "Acme Scan", "version": "1.2"}},
            "results": [
                {
                    "ruleId": "A1",
                    "level": "error",
                    "message": {"text": "\x1b[31mboom"},
                    "locations": [
                        {"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 3}}}
                    ],
                },
                {"ruleId": "A1", "kind": "pass", "message": {"text": "fine"}},
            ],
        }
    ],
}


def inspect(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str]:
    status = main(["inspect", *args])
    return status, capsys.readouterr().out


def test_json_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.sarif").write_text(json.dumps(SARIF))
    status, out = inspect(capsys, str(tmp_path / "a.sarif"), "--json")
    told = json.loads(out)
    assert status == 0
    assert told["status"] == "parsed"
    assert (told["tool"], told["format"]) == ("acme scan", "sarif")
    assert told["books"] == {"seen": 1, "kept": 1, "merged": 0, "left_out": 0}
    assert told["skipped"] == {"passed": 1}
    (finding,) = told["findings"]
    assert finding["class"] == "code"
    assert finding["occurrences"] == 1
    assert finding["pointer"] == "/runs/0/results/0"
    assert finding["locations"][0]["line"] == 3


def test_json_of_a_folder_and_a_zip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("in/a.sarif", json.dumps(SARIF))
        archive.writestr("report.html", "<html></html>")
    status, out = inspect(capsys, str(tmp_path / "b.zip"), "--json")
    assert status == 0
    assert [each["path"] for each in json.loads(out)["files"]] == ["in/a.sarif", "report.html"]
    (tmp_path / "broken.json").write_text("{")
    status, out = inspect(capsys, str(tmp_path), "--json")
    told = json.loads(out)
    assert status == 1
    assert [each["path"] for each in told["files"]] == ["b.zip!in/a.sarif", "b.zip!report.html", "broken.json"]
    assert told["files"][2]["reason"].startswith("not valid JSON")


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(SARIF).encode())))
    status, out = inspect(capsys, "-", "--json")
    assert (status, json.loads(out)["books"]["seen"]) == (0, 1)


def test_the_page_for_people_is_one_line_a_thing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.sarif").write_text(json.dumps(SARIF))
    status, out = inspect(capsys, str(tmp_path / "a.sarif"))
    assert status == 0
    assert "1 problem seen = 1 kept + 0 merged + 0 left out" in out
    assert "skipped 1: passed" in out
    assert "\x1b" not in out


def test_the_page_of_many_files_begins_with_those_that_were_not_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(25):
        (tmp_path / f"{number:02}.sarif").write_text(json.dumps(SARIF))
    (tmp_path / "zz.json").write_text("{")
    status, out = inspect(capsys, str(tmp_path))
    first, second = out.splitlines()[:2]
    assert status == 1
    assert first == "26 files: 25 parsed, 1 quarantined"
    assert second.startswith("  zz.json: quarantined (not valid JSON")


def test_the_page_of_a_file_that_nobody_knows_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json").write_text('{"a": 1}')
    status, out = inspect(capsys, str(tmp_path / "a.json"))
    assert status == 1
    assert [line.partition(":")[0].strip() for line in out.splitlines()] == ["quarantined", "what to do"]
    assert "docs/generic-format.md" in out


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n", b"<html></html>"])
def test_what_was_not_read_exits_1(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x").write_bytes(content)
    status, out = inspect(capsys, str(tmp_path / "x"), "--json")
    told: dict[str, Any] = json.loads(out)
    assert status == 1
    assert told["reason"]
    assert told["findings"] == []


def test_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.sarif").write_text(json.dumps(SARIF))
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    inspect(capsys, "a.sarif")
    assert sorted(tmp_path.iterdir()) == before


def test_whoever_reads_the_page_may_stop(tmp_path: Path) -> None:
    """`scantune inspect … | head`: no traceback. The pipe is closed before anything is written."""
    (tmp_path / "a.sarif").write_text(json.dumps(SARIF))
    read, write = os.pipe()
    os.close(read)
    code = "import sys; from handlers.cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-P", "-c", code, "--workspace", str(tmp_path), "inspect", str(tmp_path / "a.sarif")]
    try:
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=ENVIRONMENT)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_missing_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "/no/such/file"]) == 1
    assert "/no/such/file: there is no such file" in capsys.readouterr().err
