"""The watcher as a process: killed, without mlx, and what it imports."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.whole_way.conftest import SAMPLE, Program, outputs

NO_MLX = """\
import sys
class NoMlx:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("mlx", "mlx_lm"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, NoMlx())
"""


def until(true: Callable[[], bool], seconds: float = 110) -> None:
    """Looks again and again, as the other process has a clock of its own and moves files under our eyes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(FileNotFoundError):
            if true():
                return
        time.sleep(0.02)
    pytest.fail("it did not come to pass")


@pytest.mark.timeout(300)
def test_killed_in_the_middle_ends_with_the_same_digests(
    program: Program, inbox: Path, running: Callable[[Program], subprocess.Popen[str]], installed: Path, tmp_path: Path
) -> None:
    undisturbed = Program(installed, tmp_path / "undisturbed", program.home)
    assert undisturbed("run", "--skip-fine-tuning", *sorted(SAMPLE.iterdir())).returncode == 0
    never_waits = {"DATASET__QUIET_SECONDS": "0", "DATASET__INTERVAL_SECONDS": "0", "FINE_TUNING__SKIP_IN_DAEMON": "1"}
    hasty = tuple((f"SCANTUNE_{name}", value) for name, value in never_waits.items())
    program = dataclasses.replace(program, extra=hasty)
    for kill_after in ("artifacts", "analysis", "narrative"):
        for report in SAMPLE.iterdir():
            if not any((program.workspace / "outbox").rglob("statistics.json")):
                shutil.copy(report, inbox)
        watch = running(program)
        until(lambda stage=kill_after: any((program.workspace / "outbox").glob(f"{stage}/*/*")))
        os.kill(watch.pid, signal.SIGKILL)
        watch.wait()
    watch = running(program)
    wanted = outputs(undisturbed.workspace)
    until(lambda: set(wanted) <= set(outputs(program.workspace)), 120)
    watch.terminate()
    assert watch.wait(60) == 0
    made = outputs(program.workspace)
    assert {name: made[name] for name in wanted} == wanted
    assert program("doctor").returncode == 0


def test_without_mlx_all_but_the_training_works(program: Program, inbox: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_MLX)
    program = dataclasses.replace(program, extra=(("PYTHONPATH", str(tmp_path)),))
    for report in SAMPLE.iterdir():
        shutil.copy(report, inbox)
    done = program("run")
    assert done.returncode == 1
    assert "mlx" in done.stdout + done.stderr
    assert "install" in done.stdout + done.stderr
    assert list((program.workspace / "outbox" / "dataset").glob("*/*/train.jsonl"))


def test_without_a_base_model_says_how_to_get_one(program: Program, inbox: Path) -> None:
    for report in SAMPLE.iterdir():
        shutil.copy(report, inbox)
    done = program("run")
    assert done.returncode == 1
    assert "scantune models fetch" in done.stdout + done.stderr
    assert list((program.workspace / "outbox" / "dataset").glob("*/*/train.jsonl"))


@pytest.mark.timeout(300)
def test_second_watcher_says_who_holds_the_workspace(
    program: Program, inbox: Path, running: Callable[[Program], subprocess.Popen[str]]
) -> None:
    first = running(program)
    shutil.copy(SAMPLE / "hadolint.json", inbox)
    until(lambda: any((program.workspace / "outbox").glob("narrative/*/*")))
    second = program("watch")
    assert second.returncode == 3
    assert str(first.pid) in second.stderr
    first.terminate()
    assert first.wait(60) == 0


def test_settings_error_is_usage(program: Program) -> None:
    program = dataclasses.replace(program, extra=(("SCANTUNE_UPLOAD__TOO", "hub"),))
    done = program("status")
    assert done.returncode == 2
    assert "SCANTUNE_UPLOAD__TOO" in done.stderr
    assert not done.stdout


def test_inspect_writes_nothing(program: Program) -> None:
    answer = program.json("inspect", SAMPLE / "bandit.json")
    assert answer["status"] == "parsed"
    assert json.dumps(answer)
    assert not (program.workspace / "outbox").exists()
