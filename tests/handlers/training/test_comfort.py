"""Training rests while the machine is under strain; a fake machine, a fake clock."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.settings import Comfort
from handlers.cli.main import main
from handlers.training import course, run, stage
from handlers.training.comfort import NICENESS, REST_SECONDS, Keeper, Machine, ThisMachine, speed_limit, strain
from handlers.training.progress import Progress, read_progress, write_progress
from tests.handlers.training.conftest import Settled
from watcher.execute import execute
from watcher.workspace import Workspace


@dataclass
class Fake:
    battery: bool = False
    free: int = 8_000_000_000
    hot: bool = False

    def on_battery(self) -> bool:
        return self.battery

    def free_memory(self) -> int:
        return self.free

    def throttled(self) -> bool:
        return self.hot


class Time:
    """Rests take no time; each changes the machine as told."""

    def __init__(self, *changes: Callable[[], None]) -> None:
        self.at, self.changes = 100.0, list(changes)

    def now(self) -> float:
        return self.at

    def rest(self, seconds: float) -> None:
        self.at += seconds
        self.changes.pop(0)()


@pytest.mark.parametrize(
    ("machine", "reason"),
    [
        (Fake(), None),
        (Fake(battery=True), "battery"),
        (Fake(free=100_000_000), "0.1 GB"),
        (Fake(hot=True), "heat"),
    ],
)
def test_what_strains_the_machine_is_named(machine: Machine, reason: str | None) -> None:
    said = strain(machine, Comfort())
    assert said is None if reason is None else said is not None and reason in said
    assert strain(machine, Comfort(pause_on_battery=False, pause_when_hot=False, min_free_gb=0)) is None


def test_it_rests_until_the_strain_is_over_and_says_why_once() -> None:
    machine, said = Fake(battery=True), list[str]()
    time = Time(lambda: None, lambda: setattr(machine, "battery", False))
    keeper = Keeper(Comfort(), machine, time.now, time.rest)
    assert keeper.heed(said.append, lambda: False) == 2 * REST_SECONDS
    assert [line.split(":")[0] for line in said] == ["resting", "going on"]


def test_a_rest_ends_when_the_process_is_asked_to_end() -> None:
    stopped = [False]
    time = Time(lambda: stopped.__setitem__(0, True))
    keeper = Keeper(Comfort(), Fake(hot=True), time.now, time.rest)
    assert keeper.heed(lambda line: None, lambda: stopped[0]) == REST_SECONDS


def test_the_machine_is_not_asked_at_every_update() -> None:
    asked: list[int] = []

    class Counting(Fake):
        def on_battery(self) -> bool:
            asked.append(1)
            return False

    time = Time()
    keeper = Keeper(Comfort(), Counting(), time.now, time.rest)
    for _ in range(50):
        keeper.heed(lambda line: None, lambda: False)
        time.at += 1.0
    assert len(asked) == 5


def test_a_training_rests_and_its_result_is_the_same(
    tmp_path: Path, dataset: Path, settled: Settled, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = execute(Workspace(tmp_path / "plain"), stage(settled(), tmp_path / "plain"), [dataset])
    machine, said = Fake(battery=True), list[str]()
    time = Time(lambda: setattr(machine, "battery", False))
    monkeypatch.setattr(run, "Keeper", lambda wanted: Keeper(wanted, machine, time.now, time.rest))
    training = stage(settled(comfort={}), tmp_path / "rested")
    rested = execute(Workspace(tmp_path / "rested"), training, [dataset], say=said.append)
    assert any(line.startswith("resting: the machine runs on battery") for line in said)
    assert (
        rested.receipt.outputs["adapters/adapters.safetensors"]
        == plain.receipt.outputs["adapters/adapters.safetensors"]
    )


def test_status_tells_how_far_a_training_is_while_it_runs(
    tmp_path: Path,
    dataset: Path,
    settled: Settled,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown: list[str] = []

    def look(line: str) -> None:
        if line.startswith("update 2/2"):
            assert main(["--workspace", str(tmp_path), "status"]) == 0
            assert main(["--workspace", str(tmp_path), "status", "--json"]) == 0
            shown.extend((line, capsys.readouterr().out))

    monkeypatch.setattr(course, "SAY_SECONDS", 0.0)
    settings = settled(max_epochs=2, batch_size=11, eval_steps=1)
    execute(Workspace(tmp_path), stage(settings, tmp_path), [dataset], say=look)
    line, told = shown[-2:]
    assert f"\ntraining   {line}\n" in told
    progress = json.loads(told[told.index("{") :])["training"]
    assert (progress["update"], progress["updates"], progress["left"]) == (2, 2, 0.0)
    assert progress["loss"] > 0 < progress["memory"]
    assert read_progress(tmp_path) is None  # it has ended


def test_a_killed_training_is_not_told_as_running(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    (tmp_path / "state").mkdir()
    write_progress(tmp_path, Progress(pid=child.pid, update=1, updates=2, loss=1.0, speed=1.0, memory=1, left=1.0))
    assert read_progress(tmp_path) is None


def test_a_training_of_the_watcher_is_nice() -> None:
    code = (
        "import os, runpy, sys; sys.argv[1:] = ['--help']\n"
        "try: runpy.run_module('handlers.training', run_name='__main__')\n"
        "finally: print(os.getpriority(os.PRIO_PROCESS, 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout.splitlines()[-1]) >= NICENESS


def test_what_macos_says_of_heat_is_read() -> None:
    assert speed_limit("Note: No thermal warning level has been recorded\n") == 100
    assert (
        speed_limit(
            "CPU Power notify\n\tCPU_Scheduler_Limit \t= 100\n\tCPU_Available_CPUs \t= 8\n\tCPU_Speed_Limit \t= 62\n"
        )
        == 62
    )
    assert ThisMachine().free_memory() > 0
