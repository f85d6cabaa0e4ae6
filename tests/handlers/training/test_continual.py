"""Going on from the champion, with old rows replayed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from handlers.models.champion import champion
from handlers.training import stage
from handlers.training.continual import Start, replayed
from handlers.training.rows import Sides
from tests.handlers.training.conftest import Settled, make_examples, write_rows
from watcher.errors import BadInput, Unavailable
from watcher.execute import execute
from watcher.workspace import Workspace


def test_training_goes_on_from_the_champion_and_trains_what_is_new(
    tmp_path: Path, dataset: Path, settled: Settled
) -> None:
    workspace = Workspace(tmp_path)
    first = execute(workspace, stage(settled(max_epochs=4), tmp_path), [dataset])
    before = champion(tmp_path)
    assert before is not None
    more = tmp_path / "more"
    more.mkdir()
    examples = make_examples(21)
    write_rows(more / "train.jsonl", examples[:11] + examples[15:])
    write_rows(more / "valid.jsonl", examples[11:15])
    going_on = stage(settled(start="champion", replay_share=0.0), tmp_path)
    assert going_on.settings()["start"] == before.weights
    second = execute(workspace, going_on, [more])
    report = json.loads((second.folder / "training.json").read_bytes())
    tuned = json.loads((first.folder / "evaluation.json").read_bytes())["tuned"]["loss"]
    assert report["started_from"] == before.weights
    assert report["valid_losses"][0]["loss"] == pytest.approx(tuned, rel=1e-5)
    assert report["dataset"]["train"] == 6
    assert len((second.folder / "rows.txt").read_text().split()) == 17


def test_a_champion_of_another_shape_is_refused(tmp_path: Path, dataset: Path, settled: Settled) -> None:
    execute(Workspace(tmp_path), stage(settled(max_epochs=4), tmp_path), [dataset])
    with pytest.raises(Unavailable, match="ranks"):
        execute(Workspace(tmp_path), stage(settled(start="champion", lora_rank=2), tmp_path), [dataset])


def test_without_a_champion_training_starts_at_the_base(tmp_path: Path, settled: Settled) -> None:
    assert stage(settled(start="champion"), tmp_path).settings()["start"] == ""


def test_the_share_of_replayed_rows_is_about_what_was_asked() -> None:
    from handlers.dataset.rows import text_key

    old, new = make_examples(300), make_examples(20, seed=9)
    start = Start("", Path(), frozenset(map(text_key, old)))
    sides = Sides(train=(*old, *new), valid=tuple(new))
    kept = replayed(sides, start, 0.25, 1)
    assert set(new) <= set(kept.train)
    assert 40 < len(kept.train) - 20 < 110
    assert kept == replayed(sides, start, 0.25, 1)
    with pytest.raises(BadInput, match="all these rows already"):
        replayed(Sides(train=tuple(old), valid=tuple(new)), start, 0.0, 1)
