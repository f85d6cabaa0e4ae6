"""Whoever reads the output may have seen enough, have no room for it, or not be there at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
SCANTUNE = [sys.executable, "-P", "-m", "handlers.cli.main"]
REPORT = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Made"}}, "results": []}]}
PAGE, DOCUMENT = ["--workspace", "w", "status"], ["inspect", "report.sarif", "--json"]
BUFFERED, UNBUFFERED = dict[str, str](), {"PYTHONUNBUFFERED": "1"}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    monkeypatch.setenv("SCANTUNE_INTAKE__SETTLE_SECONDS", "0")
    (tmp_path / "w" / "state").mkdir(parents=True)
    (tmp_path / "report.sarif").write_text(json.dumps(REPORT))


def nobody() -> int:
    """The writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.parametrize(
    ("words", "buffered"), [(PAGE, UNBUFFERED), (DOCUMENT, BUFFERED), (DOCUMENT, UNBUFFERED), (["--help"], BUFFERED)]
)
def test_whoever_reads_has_seen_enough(words: list[str], buffered: dict[str, str]) -> None:
    environment, output = {**os.environ, **buffered}, nobody()
    done = subprocess.run([*SCANTUNE, *words], stdout=output, stderr=subprocess.PIPE, env=environment, check=False)
    os.close(output)
    assert done.returncode in (0, 1)  # argparse itself looks over what it can't print
    assert done.stderr == b""


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(("words", "buffered"), [(PAGE, BUFFERED), (PAGE, UNBUFFERED), (DOCUMENT, UNBUFFERED)])
def test_there_is_no_room_for_the_answer(words: list[str], buffered: dict[str, str]) -> None:
    environment = {**os.environ, **buffered}
    with FULL.open("wb") as output:
        command = [*SCANTUNE, *words]
        done = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, env=environment, check=False)
    assert done.returncode == 1
    assert done.stderr == b"scantune: standard output: the disk is full\n"


def test_work_goes_on_if_nobody_reads_its_progress() -> None:
    progress = nobody()
    command = [*SCANTUNE, "--workspace", "w", "run", "--skip-fine-tuning", "report.sarif"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=progress, text=True, check=False)
    os.close(progress)
    assert done.returncode == 0
    assert "analysis" in done.stdout
    assert not list(Path("w/state").glob("retry/*/*"))
    assert len(list(Path("w/outbox").glob("analysis/*/*"))) == 1


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&- <&-"])
def test_there_are_no_streams(closed: str) -> None:
    """The next file that is opened would be what others print into: the index must not be that one."""
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", *SCANTUNE, *PAGE]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert Path("w/state/index.sqlite").read_bytes().startswith(b"SQLite format 3")


def test_standard_input_is_closed() -> None:
    command = ["sh", "-c", 'exec "$@" <&-', "sh", *SCANTUNE, "inspect", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "the file is empty" in done.stdout
