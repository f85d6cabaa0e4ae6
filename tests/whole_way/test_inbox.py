"""What happens to dropped files, good and bad, however they come."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.whole_way.conftest import SAMPLE, Program, outputs

pytestmark = pytest.mark.timeout(600)  # the first test of all builds and installs the wheel

REPORTS = ("bandit.json", "semgrep.sarif", "npm-audit.json")
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452")


def by_copy(inbox: Path) -> None:
    for name in REPORTS:
        subprocess.run(["cp", SAMPLE / name, inbox], check=True)


def by_copy_with_times(inbox: Path) -> None:
    for name in REPORTS:
        subprocess.run(["cp", "-p", SAMPLE / name, inbox], check=True)


def by_move(inbox: Path) -> None:
    for name in REPORTS:
        shutil.copy(SAMPLE / name, inbox.parent / name)
        subprocess.run(["mv", inbox.parent / name, inbox], check=True)


def by_rsync(inbox: Path) -> None:
    if shutil.which("rsync") is None:
        pytest.skip("rsync is not installed")
    subprocess.run(["rsync", "-a", *(SAMPLE / name for name in REPORTS), f"{inbox}/"], check=True)


def by_atomic_save(inbox: Path) -> None:
    for name in REPORTS:
        (inbox / f".{name}.swp").write_bytes(b"")
        (inbox / f"{name}.tmp").write_bytes((SAMPLE / name).read_bytes())
        (inbox / f"{name}.tmp").replace(inbox / name)
        (inbox / f".{name}.swp").unlink()


def by_folder(inbox: Path) -> None:
    folder = inbox.parent / "scan-results"
    (folder / "deep").mkdir(parents=True)
    for name in REPORTS:
        shutil.copy(SAMPLE / name, folder / "deep" / name)
    folder.rename(inbox / "scan-results")


def under_other_names(inbox: Path) -> None:
    for number, name in enumerate(REPORTS):
        shutil.copy(SAMPLE / name, inbox / f"{number}\n отчёт.txt")


WAYS = (by_copy, by_copy_with_times, by_move, by_rsync, by_atomic_save, by_folder, under_other_names)


@pytest.fixture(scope="module")
def expected(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What comes out if the files are named by hand."""
    home = tmp_path_factory.mktemp("expected")
    program = Program(installed, home / "workspace", home)
    assert program("run", "--skip-fine-tuning", *(SAMPLE / name for name in REPORTS)).returncode == 0
    return outputs(program.workspace)


@pytest.mark.parametrize("drop", WAYS, ids=lambda way: way.__name__)
def test_every_way_of_dropping_ends_the_same(
    program: Program, inbox: Path, drop: Callable[[Path], None], expected: dict[str, str]
) -> None:
    drop(inbox)
    assert program("run", "--skip-fine-tuning").returncode == 0
    assert outputs(program.workspace) == expected
    assert not [path for path in inbox.rglob("*") if path.is_file()]


def test_bad_files_are_kept_aside_with_a_reason_and_the_others_go_through(program: Program, inbox: Path) -> None:
    sarif = (SAMPLE / "semgrep.sarif").read_bytes()
    bad = {"cut.sarif": sarif[: len(sarif) // 2], "empty.json": b"", "picture.png": PNG}
    for name, content in bad.items():
        (inbox / name).write_bytes(content)
    shutil.copy(SAMPLE / "bandit.json", inbox)
    assert program("run", "--skip-fine-tuning").returncode == 1
    for name in bad:
        told = program("why", inbox / name)
        assert "quarantine" in told.stdout.lower(), name
    assert len(list((program.workspace / "quarantine").rglob("reason.json"))) == len(bad)
    assert list((program.workspace / "outbox" / "dataset").glob("*/*/train.jsonl"))
    assert program("doctor").returncode == 0


def test_why_tells_that_uploads_are_off(program: Program, inbox: Path) -> None:
    shutil.copy(SAMPLE / "bandit.json", inbox)
    assert program("run", "--skip-fine-tuning").returncode == 0
    told = program("why", "bandit.json").stdout
    assert "training: waiting: its turn has not come yet; nobody watches this workspace just now" in told
    assert "upload: waiting: uploads are off (fine_tuning.huggingface.upload_enabled, or --upload-model)\n" in told


def test_half_written_report_is_waited_for(program: Program, inbox: Path) -> None:
    content = (SAMPLE / "bandit.json").read_bytes()
    (inbox / "bandit.json.part").write_bytes(content[:100])
    assert program("run", "--skip-fine-tuning").returncode == 0
    assert (inbox / "bandit.json.part").exists()
    assert "unfinished" in program("why", inbox / "bandit.json.part").stdout
    (inbox / "bandit.json.part").write_bytes(content)
    (inbox / "bandit.json.part").rename(inbox / "bandit.json")
    assert program("run", "--skip-fine-tuning").returncode == 0
    assert list((program.workspace / "outbox" / "analysis").glob("*/*/analysis.jsonl"))


def test_by_hand_and_by_the_engine_are_byte_identical(program: Program, tmp_path: Path) -> None:
    report = SAMPLE / "checkov.json"
    by_hand = program.module("handlers.analysis", report, "--output-dir", tmp_path / "out")
    assert by_hand.returncode == 0
    assert program("run", "--skip-fine-tuning", report).returncode == 0
    (mine,) = (tmp_path / "out").rglob("analysis.jsonl")
    (theirs,) = (program.workspace / "outbox").rglob("analysis.jsonl")
    assert mine.read_bytes() == theirs.read_bytes()
    assert mine.parent.name == theirs.parent.name


def test_a_folder_of_artifacts_is_read_and_left_as_it_was(program: Program, tmp_path: Path) -> None:
    folder = tmp_path / "artifacts"
    shutil.copytree(SAMPLE, folder)
    before = sorted(folder.iterdir())
    out = tmp_path / "out"
    words = (
        "--artifacts-dir",
        folder,
        "--output-dir",
        out,
        "--skip-fine-tuning",
        "--branch",
        "main",
        "--commit",
        "abc",
    )
    assert program("run", *words).returncode == 0
    assert sorted(folder.iterdir()) == before
    assert list(out.glob("dataset/*/*/train.jsonl"))


def test_provenance_reaches_the_finding(program: Program, inbox: Path) -> None:
    (inbox / "bandit.json.scantune.json").write_text(json.dumps({"repository": "lendery/api", "commit": "0123abc"}))
    shutil.copy(SAMPLE / "bandit.json", inbox)
    assert program("run", "--skip-fine-tuning").returncode == 0
    (analysis,) = (program.workspace / "outbox" / "analysis").glob("*/*/analysis.jsonl")
    fingerprint = json.loads(analysis.read_text().splitlines()[0])["finding"]["fingerprint"]
    assert "lendery/api" in program("trace", fingerprint).stdout
