"""One job at a time: keys, inputs, the commit."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from toy import COUNT, UPPER, collect

from watcher.errors import BadInput, Unavailable
from watcher.execute import execute
from watcher.receipt import read_receipt
from watcher.stage import ARTIFACTS, Outcome, Stage, Takes
from watcher.tidy import clean_up
from watcher.workspace import Workspace


@pytest.fixture
def text(tmp_path: Path) -> Path:
    file = tmp_path / "a.txt"
    file.write_bytes(b"one two")
    return file


def test_a_job_leaves_its_outputs_and_a_receipt(workspace: Workspace, text: Path) -> None:
    done = execute(workspace, UPPER, [text])
    assert (done.folder / "text").read_bytes() == b"ONE TWO"
    assert done.fresh
    assert read_receipt(done.folder) == done.receipt
    assert set(done.receipt.outputs) == {"text"}
    assert done.folder == workspace.job("upper", done.receipt.key)


def test_the_same_content_is_the_same_job_whatever_its_name(workspace: Workspace, text: Path) -> None:
    first = execute(workspace, UPPER, [text])
    other = text.with_name("b.bin")
    other.write_bytes(text.read_bytes())
    again = execute(workspace, UPPER, [other])
    assert (again.folder, again.fresh) == (first.folder, False)


def test_version_and_settings_make_another_job(workspace: Workspace, text: Path) -> None:
    stages = (
        UPPER,
        dataclasses.replace(UPPER, version="2"),
        dataclasses.replace(UPPER, settings=lambda: {"to": "upper"}),
    )
    jobs = [execute(workspace, stage, [text]) for stage in stages]
    assert len({job.folder for job in jobs}) == 3
    assert len({job.receipt.output_digest for job in jobs}) == 1


def test_a_job_folder_and_a_file_in_it_are_the_same_input(workspace: Workspace, text: Path) -> None:
    upper = execute(workspace, UPPER, [text])
    by_folder = execute(workspace, COUNT, [upper.folder])
    by_file = execute(workspace, COUNT, [upper.folder / "text"])
    assert by_folder.receipt == by_file.receipt
    assert by_folder.receipt.inputs[0].key == upper.receipt.key


def test_a_collected_job_depends_on_the_set_not_on_the_order(workspace: Workspace, tmp_path: Path) -> None:
    counts = []
    for n in (1, 2, 3):
        file = tmp_path / str(n)
        file.write_text("word " * n)
        counts.append(execute(workspace, COUNT, [execute(workspace, UPPER, [file]).folder]).folder)
    stage = Stage("collect", "1", ("count",), collect, takes=Takes.ALL)
    one = execute(workspace, stage, counts)
    two = execute(workspace, stage, [*reversed(counts), counts[0]])
    assert (two.folder, two.fresh) == (one.folder, False)
    assert (one.folder / "all.json").read_bytes() == b"[1,2,3]"


def test_a_loose_folder_is_copied_before_the_run(workspace: Workspace, tmp_path: Path) -> None:
    loose = tmp_path / "loose"
    loose.mkdir()
    (loose / "text").write_bytes(b"A B")
    seen = []

    def look(inputs, out, attempt):  # type: ignore[no-untyped-def]
        seen.append(inputs[0])
        return Outcome({"text": (inputs[0] / "text").read_text()})

    done = execute(workspace, Stage("look", "1", (), look), [loose])
    assert done.receipt.counts == {"text": "A B"}
    assert workspace.outbox in seen[0].parents
    assert not seen[0].exists()


def test_failures_leave_nothing_half_made(workspace: Workspace, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_bytes(b"\0")
    with pytest.raises(BadInput, match="NUL"):
        execute(workspace, UPPER, [bad])
    assert not list(workspace.outbox.glob("upper/*/*"))
    assert not list((workspace.outbox / ".scratch").iterdir())


def test_a_full_disk_is_no_fault_of_the_input(workspace: Workspace, text: Path) -> None:
    def full(inputs, out, attempt):  # type: ignore[no-untyped-def]
        raise OSError(28, os.strerror(28), str(out / "big"))

    with pytest.raises(Unavailable, match="disk is full"):
        execute(workspace, Stage("full", "1", (ARTIFACTS,), full), [text])


def test_a_missing_input_is_named(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nowhere"):
        execute(workspace, UPPER, [tmp_path / "nowhere"])


def test_what_a_killed_process_left_is_no_obstacle(workspace: Workspace, text: Path) -> None:
    key = execute(Workspace(workspace.root / "other"), UPPER, [text]).receipt.key
    stale = workspace.outbox / ".scratch" / "00" / f"upper.{key}"
    (stale / "text").mkdir(parents=True)
    assert (execute(workspace, UPPER, [text]).folder / "text").read_bytes() == b"ONE TWO"


def test_what_was_to_replace_a_file_goes_once_its_process_is_dead(workspace: Workspace) -> None:
    folder = workspace.state / "retry" / "upper"
    folder.mkdir(parents=True)
    dead = next(pid for pid in range(2**22 - 1, 0, -1) if not psutil.pid_exists(pid))
    for name in ("one.json", f".two.json.{dead}", f".three.json.{os.getpid()}"):
        (folder / name).write_bytes(b"{}")
    assert clean_up(workspace) == [f".two.json.{dead}"]
    assert sorted(each.name for each in folder.iterdir()) == [f".three.json.{os.getpid()}", "one.json"]


def test_the_resume_folder_outlives_a_failed_attempt_and_not_the_job(workspace: Workspace, text: Path) -> None:
    def long(inputs, out, attempt):  # type: ignore[no-untyped-def]
        attempt.resume.mkdir(parents=True, exist_ok=True)
        if not (attempt.resume / "half").exists():
            (attempt.resume / "half").touch()
            raise Unavailable("not yet")
        return Outcome({"resumed": 1})

    stage = Stage("long", "1", (ARTIFACTS,), long)
    with pytest.raises(Unavailable):
        execute(workspace, stage, [text])
    done = execute(workspace, stage, [text])
    assert done.receipt.counts == {"resumed": 1}
    assert not workspace.resume(done.receipt.key).exists()


SLOW = """
import sys, time
from pathlib import Path
from watcher.execute import execute
from watcher.stage import Outcome, Stage
from watcher.workspace import Workspace

def run(inputs, out, attempt):
    with open(sys.argv[3], "a") as log:
        log.write("ran\\n")
    (out / "text").write_bytes(b"x")
    while not Path(sys.argv[4]).exists():
        time.sleep(0.01)
    return Outcome()

done = execute(Workspace(Path(sys.argv[1])), Stage("slow", "1", (), run, lock="toy-device"), [Path(sys.argv[2])])
print(done.fresh)
"""


def test_two_processes_at_one_job_run_it_once(workspace: Workspace, text: Path, tmp_path: Path) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    command = [sys.executable, "-c", SLOW, str(workspace.root), str(text), str(log), str(go)]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    go.touch()
    said = sorted(process.communicate(timeout=100)[0].strip() for process in both)
    assert said == ["False", "True"]
    assert log.read_text() == "ran\n"
