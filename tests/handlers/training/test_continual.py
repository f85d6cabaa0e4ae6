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


@pytest.mark.parametrize("content", [None, b"damaged"])
def test_a_champion_whose_adapter_is_damaged_is_named(
    tmp_path: Path, dataset: Path, settled: Settled, content: bytes | None
) -> None:
    execute(Workspace(tmp_path), stage(settled(), tmp_path), [dataset])
    found = champion(tmp_path)
    assert found is not None
    adapter = Path(found.path) / "adapters" / "adapters.safetensors"
    adapter.unlink()
    if content is not None:
        adapter.write_bytes(content)
    with pytest.raises(Unavailable, match="the champion's adapter can't be read") as refused:
        execute(Workspace(tmp_path), stage(settled(start="champion"), tmp_path), [dataset])
    assert "start: base" in refused.value.hint


def test_a_damaged_champion_costs_no_training(tmp_path: Path, dataset: Path, settled: Settled) -> None:
    """It is met only after the training, which is gone on from where it ended."""
    workspace, said = Workspace(tmp_path), list[str]()
    execute(workspace, stage(settled(), tmp_path), [dataset])
    found = champion(tmp_path)
    assert found is not None
    weights = Path(found.path) / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(b"damaged")
    again = stage(settled(seed=2), tmp_path)
    with pytest.raises(Unavailable, match="the champion can't be examined"):
        execute(workspace, again, [dataset])
    weights.write_bytes(whole)
    execute(workspace, again, [dataset], say=said.append)
    assert any("goes on after update 6 of 6" in line for line in said)


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
