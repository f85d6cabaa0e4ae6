"""Champion and challenger by real trainings of the tiny base: one is promoted, one is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mlx_lm")

from config.settings import Settings, load
from handlers.dataset.rows import load_rows
from handlers.evaluation.measure import evaluate
from handlers.models.champion import champion, read_pointer
from handlers.models.metadata import read_metadata
from handlers.training import stage
from tests.handlers.training.conftest import AT_EASE, make_examples, write_rows
from watcher.execute import Done, execute
from watcher.workspace import Workspace

pytestmark = pytest.mark.timeout(600)  # the first test pays for two trainings, however busy the machine is


def settings(tmp_path: Path, tiny_model: Path, **training: Any) -> Settings:
    chosen = {"learning_rate": 5e-3, "max_epochs": 2, "lora_rank": 4, **training}
    evaluation = {"answered_rows": 3, "answer_tokens": 12}
    below = {
        "training": chosen,
        "evaluation": evaluation,
        "mlx": {"gradient_checkpointing": False},
        "comfort": AT_EASE,
    }
    places = {"default_base_model": str(tiny_model), "fine_tuned_models_dir": str(tmp_path / "models")}
    return load(None, {**places, "fine_tuning": {**below, "default_output_name": "demo"}})


def train(tmp_path: Path, tiny_model: Path, rows: Path, **training: Any) -> Done:
    chosen = settings(tmp_path, tiny_model, **training)
    return execute(Workspace(tmp_path), stage(chosen, tmp_path), [rows])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def runs(place: Path, tiny_model: Path) -> list[Done]:
    """A training that learns, then one whose steps are too small to change anything."""
    rows = place / "rows"
    rows.mkdir()
    write_rows(rows / "train.jsonl", make_examples(24))
    write_rows(rows / "test.jsonl", make_examples(3, seed=2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(place / "runtime"))  # an accelerator's lock to itself
        return [train(place, tiny_model, rows), train(place, tiny_model, rows, learning_rate=1e-9)]


def test_a_better_model_becomes_the_champion(place: Path, runs: list[Done]) -> None:
    told = json.loads((runs[0].folder / "comparison.json").read_bytes())
    assert told["verdict"]["promoted"]
    assert told["champion"] is None
    assert json.loads((runs[0].folder / "model.json").read_bytes()) == {
        "name": "demo-v1",
        "promoted": True,
        "reasons": [],
    }
    history = read_pointer(place).history
    assert (history[0].action, history[0].name) == ("promoted", "demo-v1")


def test_one_that_is_not_surely_better_is_kept_and_refused(place: Path, runs: list[Done]) -> None:
    told = json.loads((runs[1].folder / "comparison.json").read_bytes())
    assert not told["verdict"]["promoted"]
    assert told["champion"]["name"] == "demo-v1"
    assert any("demo-v1" in reason for reason in told["verdict"]["reasons"])
    assert (place / "models" / "demo-v2" / "model.safetensors").is_file()
    used = champion(place)
    assert used is not None
    assert used.name == "demo-v1"
    last = read_pointer(place).history[-1]
    assert (last.action, last.name, list(last.reasons)) == ("refused", "demo-v2", told["verdict"]["reasons"])


def test_the_report_can_be_read(runs: list[Done]) -> None:
    report = (runs[1].folder / "comparison.md").read_text()
    assert report.startswith("# demo-v2 was not promoted\n")
    assert "| validation loss, nats a token |" in report
    assert "Expected:" in report
    assert "Fused, beside the base with its adapter: logits differ by up to" in report
    assert "| test loss, nats a token |" in report
    assert "On the frozen test side demo-v2 differs from demo-v1 by +" in report
    assert (runs[1].folder / "comparison.png").read_bytes().startswith(b"\x89PNG")


def test_the_frozen_side_is_measured_and_told_everywhere(place: Path, runs: list[Done], tiny_model: Path) -> None:
    told = json.loads((runs[0].folder / "evaluation.json").read_bytes())
    rows = load_rows(place / "rows" / "test.jsonl").examples
    for who, adapter in (("base", None), ("tuned", runs[0].folder / "adapters")):
        measured, again = told["test"][who], evaluate(tiny_model, adapter, rows, 1024)
        assert (measured["rows"], measured["tokens"]) == (3, again.tokens)
        assert measured["loss"] == pytest.approx(again.loss, rel=1e-5)
        assert measured["perplexity"] == pytest.approx(again.perplexity, rel=1e-5)
        assert measured["interval"]["low"] < measured["loss"] < measured["interval"]["high"]
    base, tuned = (told["test"][who]["loss"] for who in ("base", "tuned"))
    assert told["test"]["difference"]["value"] == pytest.approx(tuned - base)
    metadata = read_metadata(place / "models" / "demo-v1")
    assert metadata.test is not None
    assert (metadata.test.before.loss, metadata.test.after.loss) == (base, tuned)
    assert metadata.dataset.test == metadata.test.rows == 3
    card = (place / "models" / "demo-v1" / "README.md").read_text()
    assert f"| this model | {tuned:.4f} |" in card
    compared = json.loads((runs[0].folder / "comparison.json").read_bytes())
    assert [compared[who]["test"]["loss"] for who in ("base", "challenger")] == [base, tuned]
    assert f"{tuned:.4f}" in (runs[0].folder / "comparison.md").read_text()
    assert runs[0].receipt.counts["test_after"] == pytest.approx(tuned, abs=1e-6)


def test_every_model_was_asked_the_same(runs: list[Done]) -> None:
    told = json.loads((runs[1].folder / "comparison.json").read_bytes())
    asked = {len(told[who]["answers"]) for who in ("base", "champion", "challenger")}
    assert asked == {3}
    assert {told[who]["test"]["rows"] for who in ("base", "champion", "challenger")} == {3}
    assert {told[who]["valid"]["rows"] for who in ("base", "champion", "challenger")} == {told["base"]["valid"]["rows"]}
