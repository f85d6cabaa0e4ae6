"""When a dataset waits, and why; when a training ends early."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from handlers.dataset.statistics import Statistics
from handlers.training import stage
from tests.handlers.training.conftest import Settled
from watcher.execute import execute
from watcher.workspace import Workspace


def nothing(kind: inspect.Type) -> Any:
    """The emptiest value of a type, as plain data."""
    if isinstance(kind, inspect.StructType):
        return {each.encode_name: nothing(each.type) for each in kind.fields}
    if isinstance(kind, inspect.LiteralType):
        return kind.values[0]
    empty: dict[type, Any] = {
        inspect.StrType: "",
        inspect.BoolType: False,
        inspect.DictType: {},
        inspect.VarTupleType: [],
        inspect.UnionType: None,
    }
    return empty.get(type(kind), 0)


def figures(train: int, valid: int, waits: str | None = None) -> Statistics:
    sides = {
        name: {"rows": rows, "groups": rows, "bytes": 1, "files": 1}
        for name, rows in (("train", train), ("valid", valid))
    }
    return msgspec.convert({**nothing(inspect.type_info(Statistics)), "sides": sides, "waits": waits}, Statistics)


def write_figures(folder: Path, made: Statistics) -> None:
    (folder / "statistics.json").write_bytes(msgspec.json.encode(made))


def test_a_dataset_that_waits_says_why(tmp_path: Path, dataset: Path, settled: Settled) -> None:
    write_figures(dataset, figures(5, 0, "too few groups for a valid side"))
    assert stage(settled(), tmp_path).ready([dataset]) == "too few groups for a valid side"


def test_it_waits_for_enough_new_examples(tmp_path: Path, dataset: Path, settled: Settled) -> None:
    training = stage(settled(max_epochs=1), tmp_path)
    write_figures(dataset, figures(11, 4))
    assert training.ready([dataset]) is None
    execute(Workspace(tmp_path), training, [dataset])
    write_figures(dataset, figures(14, 5))
    assert training.ready([dataset]) == "4 new examples of 10 needed (fine_tuning.min_new_examples)"
    write_figures(dataset, figures(20, 5))
    assert training.ready([dataset]) is None


def test_a_job_that_is_thrown_away_meanwhile_counts_for_nothing(
    tmp_path: Path, dataset: Path, settled: Settled
) -> None:
    """A dangling link stands for a file that was there when the folder was listed."""
    job = tmp_path / "outbox" / "training" / "ab" / "abc"
    job.mkdir(parents=True)
    (job / "training.json").symlink_to(tmp_path / "gone")
    write_figures(dataset, figures(5, 2))
    assert stage(settled(), tmp_path).ready([dataset]) is None


@pytest.mark.parametrize(("patience", "updates"), [(1, 3), (0, 12)])
def test_it_ends_when_the_loss_gets_no_better_and_keeps_the_best(
    tmp_path: Path, dataset: Path, settled: Settled, patience: int, updates: int
) -> None:
    said: list[str] = []
    settings = settled(learning_rate=1e-12, max_epochs=4, patience=patience)
    folder = execute(Workspace(tmp_path), stage(settings, tmp_path), [dataset], say=said.append).folder
    report = json.loads((folder / "training.json").read_bytes())
    assert report["updates"] == updates
    if patience:
        assert report["best_update"] == 0
        assert "stopped after update 3: no better loss in 1 evaluations" in said
