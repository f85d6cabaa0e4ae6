"""A training that was stopped, killed or out of disk goes on, and ends with the same bytes."""

from __future__ import annotations

import errno
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from config.settings import Settings
from handlers.training import stage
from tests.handlers.training.conftest import Settled
from watcher import files
from watcher.errors import Unavailable
from watcher.execute import Done, execute
from watcher.workspace import Workspace

SHAPE = {"max_epochs": 2, "batch_size": 2, "gradient_accumulation": 2, "lora_dropout": 0.2, "save_steps": 2}
"""11 rows by 2 x 2: three updates an epoch, the last of them short; six in all."""


class Killed(BaseException):
    """Stands for a death that nothing in the product may catch."""


def undisturbed(root: Path, dataset: Path, settings: Settings) -> Done:
    return execute(Workspace(root), stage(settings, root), [dataset])


@pytest.fixture
def expected(tmp_path: Path, dataset: Path, settled: Settled) -> Done:
    return undisturbed(tmp_path / "undisturbed", dataset, settled(**SHAPE))


def test_stopped_after_every_update_it_ends_with_the_same_bytes(
    tmp_path: Path, dataset: Path, settled: Settled, expected: Done
) -> None:
    root, said = tmp_path / "stopped", list[str]()
    training = stage(settled(**SHAPE), root)
    for _ in range(5):
        with pytest.raises(Unavailable, match="saved after update"):
            execute(Workspace(root), training, [dataset], say=said.append, stopping=lambda: True)
    done = execute(Workspace(root), training, [dataset], say=said.append)
    assert [line for line in said if "goes on" in line][-1].startswith("training goes on after update 5 of 6")
    assert done.receipt.outputs == expected.receipt.outputs


def test_checkpoints_of_another_version_are_not_gone_on_from(
    tmp_path: Path, dataset: Path, settled: Settled, expected: Done
) -> None:
    root, said = tmp_path / "older", list[str]()
    training = stage(settled(**SHAPE), root)
    with pytest.raises(Unavailable, match="saved after update"):
        execute(Workspace(root), training, [dataset], stopping=lambda: True)
    for state in (root / "state" / "training").rglob("state.json"):
        state.write_text('{"made_by": "an older scantune, whose states held other things"}')
    done = execute(Workspace(root), training, [dataset], say=said.append)
    assert not any("goes on" in line for line in said)
    assert done.receipt.outputs == expected.receipt.outputs


@pytest.mark.parametrize("step", [1, 3, 4])
def test_killed_while_saving_it_goes_on_from_the_checkpoint_before(
    tmp_path: Path, dataset: Path, settled: Settled, expected: Done, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    root = tmp_path / "killed"
    training = stage(settled(**SHAPE), root)
    _break_nth_flush(monkeypatch, step, Killed)
    with pytest.raises(Killed):
        execute(Workspace(root), training, [dataset])
    monkeypatch.undo()
    assert execute(Workspace(root), training, [dataset]).receipt.outputs == expected.receipt.outputs


def test_a_full_disk_is_said_and_loses_nothing(
    tmp_path: Path, dataset: Path, settled: Settled, expected: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, said = tmp_path / "full", list[str]()
    training = stage(settled(**SHAPE), root)
    _break_nth_flush(monkeypatch, 3, lambda: OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(Unavailable, match="the disk is full"):
        execute(Workspace(root), training, [dataset])
    monkeypatch.undo()
    done = execute(Workspace(root), training, [dataset], say=said.append)
    assert any("goes on after update" in line for line in said)
    assert done.receipt.outputs == expected.receipt.outputs


def _break_nth_flush(monkeypatch: pytest.MonkeyPatch, step: int, error: Callable[[], BaseException]) -> None:
    """Checkpoints are flushed one by one; the n-th flush of the process fails."""
    original, calls = files.sync_trees, [0]

    def breaking(folders: list[Path]) -> None:
        calls[0] += 1
        if calls[0] == step:
            raise error()
        original(folders)

    monkeypatch.setattr(files, "sync_trees", breaking)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_killed_twenty_times_at_any_moment_it_ends_with_the_same_bytes(
    tmp_path: Path, dataset: Path, settled: Settled, tiny_model: Path
) -> None:
    shape = {**SHAPE, "max_epochs": 30}
    expected = undisturbed(tmp_path / "undisturbed", dataset, settled(**shape))
    settings = settled(**shape).model_dump(mode="json", include={"fine_tuning", "default_base_model"})
    drawn, kills, trainings = random.Random(7), 0, 0
    while kills < 20:
        root = tmp_path / f"killed{trainings}"
        (root / "config").mkdir(parents=True)
        settings["fine_tuned_models_dir"] = str(root / "models")
        (root / "config" / "scantune.yaml").write_text(yaml.safe_dump(settings))
        kills += _train_through_kills(root, dataset, drawn, 20 - kills)
        trainings += 1
        job = next((root / "outbox" / "training").glob("*/*"))
        names = [name for name in expected.receipt.outputs if name != "model.json"]
        assert [(job / name).read_bytes() for name in names] == [
            (expected.folder / name).read_bytes() for name in names
        ]
    print(f"killed {kills} times; trainings: {trainings}")


def _train_through_kills(root: Path, dataset: Path, drawn: random.Random, most: int) -> int:
    """Starts one training again and again until it ends well; returns how often it was killed, at most `most` times."""
    command = [sys.executable, "-P", "-m", "handlers.training", "--workspace", str(root), str(dataset)]
    kills = 0
    while True:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            assert child.wait(drawn.uniform(1.5, 6.0) if kills < most else 600.0) == 0
            return kills
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            child.wait()
            kills += 1
