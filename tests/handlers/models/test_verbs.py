"""`scantune models …` and `scantune validate-model` as a person uses them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

mlx_lm = pytest.importorskip("mlx_lm")

import mlx.core as mx  # noqa: E402

from handlers.cli.main import main  # noqa: E402
from handlers.models import inventory  # noqa: E402
from handlers.models.finish import Wish, finish  # noqa: E402
from tests.handlers.models.made import make_adapter, result  # noqa: E402

Out = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def models(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two finished models; treat it as read-only."""
    folder = tmp_path_factory.mktemp("models")
    adapter = make_adapter(tiny_model, tmp_path_factory.mktemp("adapter") / "lora")
    for key in "ab":
        finish(result(tiny_model, adapter, key=key * 64), Wish(folder, "demo"))
    return folder


@pytest.fixture(autouse=True)
def settings(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCANTUNE_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("SCANTUNE_BASE_MODELS_DIR", str(tmp_path / "base"))
    monkeypatch.setenv("SCANTUNE_FINE_TUNED_MODELS_DIR", str(models))


@pytest.fixture
def model(models: Path, tmp_path: Path) -> Path:
    """One of them, to be damaged."""
    return Path(shutil.copytree(models / "demo-v1", tmp_path / "demo-v1"))


def test_tiny_makes_it_once(tmp_path: Path, capsys: Out) -> None:
    assert main(["models", "tiny"]) == 0
    made = tmp_path / "workspace" / "state" / "models" / "tiny"
    before = (made / "model.safetensors").stat().st_mtime_ns
    assert main(["models", "tiny"]) == 0
    assert (made / "model.safetensors").stat().st_mtime_ns == before
    assert "for trying and testing only" in capsys.readouterr().out


def test_list_says_what_is_where_and_how_good(models: Path, capsys: Out) -> None:
    (models / "of somebody else").mkdir(exist_ok=True)
    assert main(["models", "promote", "demo-v2"]) == 0
    assert main(["models", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("* demo-v2") and "loss 2.0000 -> 1.2500" in line for line in lines)
    assert any("of somebody else" in line and "not made by scantune" in line for line in lines)


def test_list_as_json(models: Path, tiny_model: Path, tmp_path: Path, capsys: Out) -> None:
    shutil.copytree(tiny_model, tmp_path / "base" / "some-base")
    (tmp_path / "base" / "broken").mkdir()
    assert main(["models", "promote", "demo-v1"]) == 0
    capsys.readouterr()
    assert main(["models", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["champion"] == "demo-v1"
    assert [(each["name"], each["fault"] is None) for each in told["bases"]] == [("broken", False), ("some-base", True)]
    entry = next(each for each in told["finished"] if each["name"] == "demo-v1")
    assert entry["champion"]
    assert entry["metadata"]["after"]["loss"] == 1.25


def test_list_passes_over_what_goes_away_meanwhile(model: Path) -> None:
    """A dangling link stands for a file that was there when the folder was listed."""
    before = inventory._size(model)
    (model / "gone.safetensors").symlink_to(model / "nowhere")
    assert inventory._size(model) == before > 0
    assert inventory._size(model / "nowhere") == 0


def test_promote_and_rollback(capsys: Out) -> None:
    for name in ("demo-v1", "demo-v2"):
        assert main(["models", "promote", name]) == 0
    assert main(["models", "rollback"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "demo-v1 is the champion again"
    assert main(["models", "promote", "no-such"]) == 1
    assert "no-such" in capsys.readouterr().err


def test_a_good_model_is_good(models: Path, capsys: Out) -> None:
    assert main(["validate-model", str(models / "demo-v1")]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert "answered" in told.out
    assert "base 2.0000, this model 1.2500 (-37.5%)" in told.out


def test_a_benchmark_is_answered_too(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    monkeypatch.setenv("SCANTUNE_FINE_TUNING__EVALUATION__ANSWER_TOKENS", "4")
    file = tmp_path / "mcq.tsv"
    file.write_text("Prompt\tGT\nWhich letter comes first?\tA\n")
    assert main(["validate-model", str(models / "demo-v1"), "--benchmark", str(file)]) == 0
    assert "mcq.tsv: accuracy" in capsys.readouterr().out


def faults(folder: Path, capsys: Out) -> str:
    assert main(["validate-model", str(folder)]) == 1
    return capsys.readouterr().err


def test_a_missing_file_is_named(model: Path, capsys: Out) -> None:
    (model / "tokenizer.json").unlink()
    assert "tokenizer.json is missing" in faults(model, capsys)


def test_another_folder_is_not_this_model(model: Path, capsys: Out) -> None:
    assert "is of demo-v1" in faults(model.rename(model.with_name("demo-v9")), capsys)


def test_weights_that_were_changed_are_noticed(model: Path, capsys: Out) -> None:
    weights = dict(mx.load(str(model / "model.safetensors")))
    weights["model.norm.weight"] = weights["model.norm.weight"] * float("nan")
    mx.save_safetensors(str(model / "model.safetensors"), weights)
    told = faults(model, capsys)
    assert "are not those that metadata.json was written for" in told
    assert "model.norm.weight holds numbers that are not finite" in told


def test_truncated_weights_are_a_reason_not_a_traceback(model: Path, capsys: Out) -> None:
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    assert "mlx-lm can't load " in faults(model, capsys)


def test_an_embellished_card_is_noticed(model: Path, capsys: Out) -> None:
    card = model / "README.md"
    card.write_text(card.read_text().replace("value: 1.25", "value: 0.25"))
    assert "the numbers in README.md are not those of metadata.json" in faults(model, capsys)


def test_an_embellished_figure_of_the_frozen_side_is_noticed(tiny_model: Path, tmp_path: Path, capsys: Out) -> None:
    adapter = make_adapter(tiny_model, tmp_path / "lora")
    folder = finish(result(tiny_model, adapter, tested=True), Wish(tmp_path / "models", "demo"))
    assert main(["validate-model", str(folder)]) == 0
    assert "on test    base 2.5000, this model 1.7500" in capsys.readouterr().out
    card = folder / "README.md"
    card.write_text(card.read_text().replace("value: 1.75", "value: 0.75"))
    assert "the numbers in README.md are not those of metadata.json" in faults(folder, capsys)


def test_an_adapter_of_another_shape_is_noticed(model: Path, capsys: Out) -> None:
    config = model / "adapters" / "adapter_config.json"
    config.write_text(config.read_text().replace('"rank": 4', '"rank": 2'))
    assert "mlx-lm can't load adapters/" in faults(model, capsys)


def test_a_folder_that_is_not_there(tmp_path: Path, capsys: Out) -> None:
    assert "there is no such folder" in faults(tmp_path / "nowhere", capsys)
