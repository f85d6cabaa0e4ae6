"""Whoever asks for what can't be is told so in a line: which file or argument, and why. Never by a traceback."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from handlers.cli.main import main

NO_TEXT = os.fsdecode(b"caf\xe9")


def complaint(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str]:
    status = main([str(word) for word in words])
    return status, capsys.readouterr().err


@pytest.mark.parametrize("verb", ["status", "run", "doctor", "watch"])
def test_a_file_in_place_of_the_workspace_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    (tmp_path / "taken").write_text("")
    status, told = complaint(capsys, "--workspace", tmp_path / "taken", verb)
    assert status == 1
    assert str(tmp_path / "taken") in told
    assert "something that is no folder lies there" in told
    assert len(told.splitlines()) == 1


def test_an_outbox_that_can_not_be_made_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").write_text("")
    status, told = complaint(capsys, "--workspace", tmp_path, "run", "--output-dir", tmp_path / "taken" / "below")
    assert (status, told) == (
        1,
        f"scantune: {tmp_path / 'taken'}: something that is no folder lies there — move it away\n",
    )


@pytest.mark.parametrize(
    "words",
    [
        ["prune", "--days", "-1"],
        ["prune", "--days", "nan"],
        ["service", "logs", "-n", "-5"],
        ["ask", "report.sarif", "--at-most", "0"],
        ["run", ""],
        ["inspect", ""],
        ["retry", ""],
        ["retry", "one", ""],
        ["trace", ""],
        ["why", ""],
        ["ask", ""],
        ["run", "--branch", NO_TEXT],
        ["run", "--commit", NO_TEXT],
        ["run", "--model-name", NO_TEXT],
        ["run", "--fine-tuning-model-name", NO_TEXT],
        ["train", "--base-model", NO_TEXT],
        ["train", "--output-name", NO_TEXT],
        ["ask", "report.sarif", "--reject", NO_TEXT],
    ],
)
def test_a_value_without_sense_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--workspace", str(tmp_path), *words])
    assert ended.value.code == 2
    assert "expected" in capsys.readouterr().err


def test_a_model_that_is_not_there_is_named_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCANTUNE_FINE_TUNED_MODELS_DIR", str(tmp_path / "models"))
    status, told = complaint(capsys, "--workspace", tmp_path, "models", "promote", "none-v1")
    assert status == 1
    assert told.count("none-v1") == 1
    assert "scantune models list" in told


def test_an_empty_variable_names_no_settings_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCANTUNE_CONFIG", "")
    assert complaint(capsys, "--workspace", tmp_path, "status")[0] == 0


def test_help_of_every_verb_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["watch"], ["models", "promote"], ["service", "install"]):
        with pytest.raises(SystemExit):
            main([*words, "--help"])
        usage, _, rest = capsys.readouterr().out.partition("\n\n")
        assert usage.startswith("usage: scantune")
        assert rest[0].isupper()
        assert rest.split("\n\n")[0].endswith(".")


def test_a_workspace_that_was_not_there_is_said_to_be_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert complaint(capsys, "--workspace", tmp_path / "typo", "status")[1].startswith(
        f"{tmp_path / 'typo'}: a new workspace"
    )
    assert complaint(capsys, "--workspace", tmp_path / "typo", "status")[1] == ""


@pytest.mark.parametrize("folder", ["outbox", "quarantine", "state"])
def test_a_file_in_place_of_a_folder_is_said_to_be_none(
    workspace: Path, capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    shutil.rmtree(workspace / folder)
    (workspace / folder).write_text("")
    for verb in ("status", "doctor", "run"):
        told = f"scantune: {workspace / folder}: something that is no folder lies there — move it away\n"
        assert complaint(capsys, "--workspace", workspace, verb) == (1, told)


def test_a_file_in_place_of_the_inbox_leaves_the_questions(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workspace / "inbox").rmdir()
    (workspace / "inbox").write_text("")
    assert main(["--workspace", str(workspace), "status"]) == 0
    assert f"nothing is taken: {workspace / 'inbox'} is no folder\n" in capsys.readouterr().out


def test_a_key_with_too_many_digits_is_no_key(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--workspace", str(workspace), "why", "f" * 65]) == 1
    assert capsys.readouterr().out.startswith("unknown: ")
    status, told = complaint(capsys, "--workspace", workspace, "trace", "f" * 65)
    assert (status, len(told.splitlines())) == (1, 1)


def test_a_folder_is_no_finding(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, told = complaint(capsys, "--workspace", workspace, "ask", workspace)
    assert status == 1
    assert f"{workspace}: it is a folder" in told


def test_status_needs_no_news_of_a_training(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workspace / "state" / "progress.json").mkdir()
    assert complaint(capsys, "--workspace", workspace, "status") == (0, "")


def test_a_command_that_ended_does_not_go_on_by_itself(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in (workspace / "state").glob("index.sqlite*"):
        file.unlink()
    (workspace / "state" / "index.sqlite").mkdir()  # SQLite can't open that
    status, told = complaint(capsys, "--workspace", workspace, "run")
    expected = "scantune: the index: unable to open database file — run it again once that is over\n"
    assert (status, told) == (1, expected)
