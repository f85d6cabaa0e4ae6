"""Names that are no text and texts that act on a terminal: both are shown, and do nothing."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import Log
from handlers.cli.main import main
from handlers.service import logs

NO_TEXT = os.fsdecode(b"caf\xe9")
HOSTILE = "\x1b]0;owned\x07\x1b[2J\r\u202egood\nthe books balance\x9b31m"
SHOWN = r"\x1b]0;owned\x07\x1b[2J\r\u202egood\nthe books balance\x9b31m"
REPORT = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {"driver": {"name": f"T{HOSTILE}"}},
            "invocations": [
                {
                    "executionSuccessful": False,
                    "exitCodeDescription": HOSTILE,
                    "toolExecutionNotifications": [{"level": "error", "message": {"text": HOSTILE}}],
                }
            ],
            "results": [],
        }
    ],
}
ERROR = {"errors": [{"message": HOSTILE}], "results": HOSTILE}


def does_nothing(told: str) -> bool:
    return not any(unicodedata.category(each) in ("Cc", "Cf", "Cs") for each in told if each != "\n")


def answer(capsys: pytest.CaptureFixture[str], root: Path, *words: str | Path) -> str:
    main(["--workspace", str(root), *map(str, words)])
    return capsys.readouterr().out


# names that are not UTF-8


@pytest.fixture
def no_text(worked_in: Path, tmp_path: Path) -> Path:
    """A workspace whose path is no text, with a job's folder that is none of the engine's."""
    try:
        root = shutil.copytree(worked_in, tmp_path / NO_TEXT)
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    (root / "outbox" / "analysis" / "ab" / ("ab" * 32)).mkdir(parents=True)
    return root


@pytest.mark.parametrize("words", [["status"], ["doctor"], ["why", "picture.bin"]], ids=lambda words: words[0])
def test_a_path_that_is_no_text_is_in_the_json(
    no_text: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    told = answer(capsys, no_text, *words, "--json")
    json.loads(told)
    assert r"caf\\xe9" in told


def test_a_file_whose_name_is_no_text_is_asked_for_by_it(no_text: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (no_text / "inbox" / NO_TEXT).write_bytes(b"")
    (step,) = json.loads(answer(capsys, no_text, "why", NO_TEXT, "--json"))
    assert (step["state"], step["subject"]) == ("in the inbox", r"caf\xe9")
    (step,) = json.loads(answer(capsys, no_text, "why", f"no-{NO_TEXT}", "--json"))
    assert (step["state"], step["subject"]) == ("unknown", r"no-caf\xe9")
    assert main(["--workspace", str(no_text), "trace", NO_TEXT, "--json"]) == 1
    assert capsys.readouterr().out == ""


def test_a_folder_with_such_a_name_is_inspected(no_text: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (no_text / "inbox" / NO_TEXT).write_text(json.dumps(ERROR))
    (file,) = json.loads(answer(capsys, no_text, "inspect", no_text / "inbox", "--json"))["files"]
    assert file["path"] == r"caf\xe9"


def test_pages_show_such_names_in_a_process_of_its_own(no_text: Path) -> None:
    """There standard output is as strict as Python makes it."""
    command = [sys.executable, "-P", "-m", "handlers.cli.main", "--workspace", str(no_text), "status"]
    for locale in ("C.UTF-8", "POSIX"):
        done = subprocess.run(command, env={**os.environ, "LC_ALL": locale}, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert rb"/caf\xe9" in done.stdout


def test_an_encoding_that_lacks_a_character_gets_its_number(no_text: Path) -> None:
    command = [sys.executable, "-P", "-m", "handlers.cli.main", "--workspace", str(no_text), "why", "–"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (1, b"")
    done = subprocess.run([*command, "--json"], env=environment, capture_output=True, check=False)
    assert json.loads(done.stdout)[0]["subject"] == "–"


@pytest.mark.parametrize("words", [["service", "print"], ["models", "tiny"]], ids=" ".join)
def test_what_takes_no_such_path_says_so(no_text: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """A plist, a unit and the files of MLX: what they can't name is named, in one line."""
    if words[0] == "models":
        pytest.importorskip("mlx_lm")
    assert main(["--workspace", str(no_text), *words]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"scantune: {no_text.parent}/")
    assert r"caf\xe9" in told
    assert "UTF-8 only" in told
    assert len(told.splitlines()) == 1


# texts of reports


def test_the_reason_of_a_quarantined_file_does_nothing(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file,) = (workspace / "quarantine").glob("*/*/reason.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"reason": HOSTILE, "hint": HOSTILE}))
    for words in (["status"], ["why", "picture.bin"]):
        told = answer(capsys, workspace, *words)
        assert does_nothing(told)
        assert told.count(SHOWN) == 2
        assert "the books balance" not in told.splitlines()
        as_json = answer(capsys, workspace, *words, "--json")
        assert does_nothing(as_json)
        assert json.dumps(HOSTILE) in as_json  # nothing of it is lost


def test_a_report_that_is_read_does_nothing(tmp_path: Path) -> None:
    """From its first reading to the last question, in whatever is printed or logged on the way."""
    (tmp_path / "report.sarif").write_text(json.dumps(REPORT))
    (tmp_path / "error.json").write_text(json.dumps(ERROR))
    python, by_hand = [sys.executable, "-P", "-m"], ["handlers.analysis", "--workspace", "w"]
    scantune = ["handlers.cli.main", "--workspace", "w"]
    environment = {**os.environ, "SCANTUNE_INTAKE__SETTLE_SECONDS": "0"}
    for words in (
        ["handlers.cli.main", "inspect", "report.sarif"],
        [*by_hand, "report.sarif", "error.json"],
        [*scantune, "run", "--skip-fine-tuning", "error.json"],
    ):
        done = subprocess.run(
            [*python, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        told = done.stdout + done.stderr
        assert does_nothing(told), words
        assert SHOWN in told, words


def test_a_complaint_about_an_argument_does_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--workspace", str(tmp_path), HOSTILE])
    assert does_nothing(capsys.readouterr().err)
    assert main(["inspect", str(tmp_path / "\x1b[2J")]) == 1
    assert r"\x1b[2J: there is no such file" in capsys.readouterr().err


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    root, found = logging.getLogger(), logging.getLogger("tests.odd")
    handlers, level = root.handlers[:], root.level
    root.setLevel("INFO")
    yield found
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("wanted", [Log(), Log(format="json")], ids=["text", "json"])
def test_a_log_does_nothing(tmp_path: Path, logger: logging.Logger, wanted: Log) -> None:
    handler = logs.also_to_file(tmp_path, wanted)
    try:
        raise ValueError(HOSTILE + NO_TEXT)
    except ValueError as error:
        logger.warning("it says %s", f"{HOSTILE}{NO_TEXT}", exc_info=error)
    handler.close()
    told = "\n".join(logs.tail(tmp_path, 100))
    assert does_nothing(told)
    if wanted.format == "json":
        assert json.loads(told)["message"] == rf"it says {SHOWN}caf\xe9"
    else:
        assert rf"it says {SHOWN}caf\xe9" in told


def test_an_unexpected_error_does_nothing(tmp_path: Path) -> None:
    words = [sys.executable, "-P", "-c"]
    code = f"from handlers.terminal import harmless_streams\nwith harmless_streams(): raise ValueError({HOSTILE!r})"
    done = subprocess.run([*words, code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ValueError: " in done.stderr
    assert does_nothing(done.stderr)
