"""Real watcher processes: dropping in every way, two of them, signals, children that die."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from crash import drop, prove
from toy import UPPER, digest

from watcher.audit import audit
from watcher.engine import Engine
from watcher.execute import Voice
from watcher.failures import Retries, Schedule, read_all
from watcher.index import Index
from watcher.stage import Stage
from watcher.workspace import Workspace

HERE = Path(__file__).parent
pytestmark = pytest.mark.timeout(400)  # a busy machine takes its time to start processes


def start(verb: str, workspace: Workspace) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(HERE.parents[1]), str(HERE)])
    command = [sys.executable, str(HERE / "toy_main.py"), verb, str(workspace.root)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path})


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def until(condition: Callable[[], bool], what: str) -> None:
    """Polls a condition that another process brings about."""
    pause = threading.Event()
    for _ in range(10_000):
        if condition():
            return
        pause.wait(0.01)
    pytest.fail(f"not seen: {what}")


@pytest.fixture
def watcher(workspace: Workspace) -> Iterator[subprocess.Popen[str]]:
    process = start("watch", workspace)
    assert first_line(process) == "ready"
    yield process
    process.kill()
    process.wait()
    assert process.stdout
    process.stdout.close()


def counted(workspace: Workspace) -> int:
    return len(list(workspace.outbox.glob("count/*/*/receipt.json")))


def balanced(workspace: Workspace) -> bool:
    from toy import PIPELINE

    stages: tuple[Stage, ...] = PIPELINE
    with Index(workspace, stages) as index:
        return audit(workspace, stages, index, Schedule(workspace, Retries())).balanced


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_burst_that_overflows_the_queue_of_events_loses_nothing(workspace: Workspace) -> None:
    """120,000 files while the watcher can't read a single event: the kernel keeps 16,384 of them, as a rule."""
    count, seen, pause = 120_000, -1, threading.Event()
    (workspace.root / "only-upper").touch()
    process = start("watch", workspace)
    assert first_line(process) == "ready"
    process.send_signal(signal.SIGSTOP)
    for n in range(count):
        (workspace.root / "beside").write_bytes(b"%d" % n)
        (workspace.root / "beside").rename(workspace.inbox / str(n))
    process.send_signal(signal.SIGCONT)
    done = 0
    while done < count:
        assert done > seen, "nothing was done for half a minute"
        seen = done
        pause.wait(100)
        done = sum(1 for _ in workspace.outbox.glob("upper/*/*"))
    assert psutil.Process(process.pid).memory_info().rss < 150e6
    process.terminate()
    assert process.wait(60) == 0
    assert process.stdout
    process.stdout.close()
    assert {path.read_bytes() for path in workspace.outbox.glob("upper/*/*/text")} == {b"%d" % n for n in range(count)}
    assert not list(workspace.inbox.iterdir())


def test_however_a_file_is_dropped_it_goes_all_the_way(
    workspace: Workspace, watcher: subprocess.Popen[str], tmp_path: Path
) -> None:
    inbox, text = workspace.inbox, tmp_path / "text"
    text.write_bytes(b"copied")
    shutil.copy2(text, inbox / "copied")
    text.write_bytes(b"moved")
    text.rename(inbox / "moved")
    (inbox / ".saved.swp").write_bytes(b"saved by an editor")
    (inbox / ".saved.swp").rename(inbox / "saved")
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "text").write_bytes(b"in a folder")
    (tmp_path / "folder").rename(inbox / "folder")
    (inbox / "big.part").write_bytes(b"downloaded")
    (inbox / "big.part").rename(inbox / "big")
    until(lambda: counted(workspace) == 5, "five texts counted")
    for content in (b"copied", b"moved", b"saved by an editor", b"in a folder", b"downloaded"):
        assert workspace.accepted(digest(content)).exists()


def test_a_second_watcher_says_who_is_there_and_leaves(workspace: Workspace, watcher: subprocess.Popen[str]) -> None:
    second = start("watch", workspace)
    said, _ = second.communicate(timeout=100)
    assert second.returncode == 3
    assert f"process {watcher.pid}" in said


def test_a_pass_beside_a_watcher_does_each_job_once(workspace: Workspace, watcher: subprocess.Popen[str]) -> None:
    passes = []
    for n in range(3):
        for m in range(20):
            (workspace.inbox / f"{n}-{m}").write_text(f"text {n} {m}")
        passes.append(start("run", workspace))
    for each in passes:
        each.communicate(timeout=100)
        assert each.returncode == 0
    until(lambda: counted(workspace) == 60, "sixty texts counted")
    assert len(list(workspace.outbox.glob("upper/*/*"))) == 60
    watcher.send_signal(signal.SIGTERM)
    assert watcher.wait(100) == 0
    assert balanced(workspace)


def test_the_watched_folder_may_be_deleted_and_made_again(workspace: Workspace, watcher: subprocess.Popen[str]) -> None:
    workspace.inbox.rmdir()
    workspace.inbox.mkdir()
    (workspace.inbox / "a").write_bytes(b"one")
    until(lambda: counted(workspace) == 1, "the text counted")


def test_being_asked_to_end_leaves_a_clean_state(workspace: Workspace, watcher: subprocess.Popen[str]) -> None:
    for n in range(300):
        (workspace.inbox / str(n)).write_text(f"text {n}")
    until(lambda: counted(workspace) > 0, "the first text counted")
    watcher.send_signal(signal.SIGTERM)
    assert watcher.wait(100) == 0
    assert not list((workspace.outbox / ".scratch").iterdir())
    assert balanced(workspace)


def test_a_killed_watcher_is_no_obstacle_to_the_next(workspace: Workspace, watcher: subprocess.Popen[str]) -> None:
    for n in range(100):
        (workspace.inbox / str(n)).write_text(f"text {n}")
    until(lambda: counted(workspace) > 0, "the first text counted")
    watcher.kill()
    watcher.wait()
    again = start("run", workspace)
    again.communicate(timeout=100)
    assert again.returncode == 0
    assert counted(workspace) == 100
    assert balanced(workspace)


def test_a_job_in_a_process_of_its_own_that_dies_is_tried_again_then_quarantined(workspace: Workspace) -> None:
    (workspace.root / "children").touch()
    (workspace.inbox / "bad").write_bytes(b"abort")
    (workspace.inbox / "good").write_bytes(b"fine")
    process = start("watch", workspace)
    until(lambda: bool(list(read_all(workspace.quarantine))), "the input quarantined")
    until(lambda: counted(workspace) == 1, "the other counted")
    process.terminate()
    process.communicate(timeout=100)
    [trouble] = read_all(workspace.quarantine)
    assert trouble.attempts == 3
    assert "SIGABRT" in trouble.reason


def test_a_job_in_a_process_of_its_own_is_asked_to_stop_with_the_watcher(workspace: Workspace) -> None:
    (workspace.root / "children").touch()
    (workspace.inbox / "slow").write_bytes(b"hang")
    process = start("watch", workspace)
    until((workspace.root / "hanging").exists, "the job at work")
    process.terminate()
    process.communicate(timeout=100)
    assert process.returncode == 0
    assert not list(read_all(workspace.state / "retry"))


WATCH = """
import json, sys
from handlers.cli.main import main
status = main(["--workspace", sys.argv[1], "watch"])
print(json.dumps(sorted(sys.modules)))
sys.exit(status)
"""


def test_a_large_input_keeps_no_small_one_waiting(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from toy_main import TEMPO, counting

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE.parents[1]), str(HERE)]))
    (workspace.root / "small-ones-inline").touch()
    stage, patiently = counting(workspace.root, child=True), dataclasses.replace(TEMPO, drain_seconds=120.0)
    contents = [b"HANG " * 2_000, *(b"%d" % n for n in range(20))]  # more than there are job locks
    drop(workspace, contents)
    with Engine(workspace, (UPPER, stage), patiently, Voice(), patient=True) as engine:
        while engine.tally.done["count"] < 20:
            engine.round()
        until(
            lambda: not engine.round() and (workspace.root / "hanging").exists(),
            "the large one at work in a process of its own",
        )
        drop(workspace, [b"three"], "later")
        engine.rescan()
        while engine.tally.done["count"] < 21:
            engine.round()
        assert engine.working
    assert engine.tally.done["count"] == 22
    prove(workspace, [*contents, b"three"], (UPPER, stage))


def test_the_watcher_never_loads_what_is_heavy(tmp_path: Path) -> None:
    """A real watcher carries a report as far as its own process goes."""
    workspace = Workspace(tmp_path / "w").make()
    report = {
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "toy"}},
                "results": [
                    {
                        "ruleId": "r",
                        "message": {"text": "a flaw"},
                        "locations": [
                            {"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 3}}}
                        ],
                    }
                ],
            }
        ],
    }
    (workspace.inbox / "report.sarif").write_text(json.dumps(report))
    environment = {
        **os.environ,
        "SCANTUNE_INTAKE__SETTLE_SECONDS": "0",
        "SCANTUNE_DATASET__QUIET_SECONDS": "0",
        "SCANTUNE_FINE_TUNING__SKIP_IN_DAEMON": "true",
        "HOME": str(tmp_path),
    }
    command = [sys.executable, "-c", WATCH, str(workspace.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            until(lambda: bool(list(workspace.outbox.glob("narrative/*/*/receipt.json"))), "the narrative written")
            until(lambda: bool(list(workspace.outbox.glob("dataset/*/*/receipt.json"))), "the dataset built")
            process.terminate()
            said, _ = process.communicate(timeout=100)
        finally:
            process.kill()
    assert process.returncode == 0
    loaded = {name.split(".")[0] for name in json.loads(said)}
    assert not loaded & {"mlx", "mlx_lm", "transformers", "huggingface_hub", "matplotlib", "numpy", "torch"}
