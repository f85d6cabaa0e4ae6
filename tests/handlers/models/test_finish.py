"""The finished model: a folder that is whole or not there, with true numbers, that computes what base + adapter do."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from pathlib import Path

import pytest

mlx_lm = pytest.importorskip("mlx_lm")

import mlx.core as mx  # noqa: E402
import yaml  # noqa: E402
from mlx_lm.utils import quantize_model, save_config, save_model  # noqa: E402

from handlers.models.finish import Wish, finish  # noqa: E402
from handlers.models.metadata import read_metadata  # noqa: E402
from tests.handlers.models.made import make_adapter, result  # noqa: E402
from watcher.errors import BadInput, Unavailable  # noqa: E402
from watcher.locks import held  # noqa: E402

PROMPT = mx.array([[0, 258, 295, 259, 200, 41, 298, 14, 24, 26, 32, 200]])


@pytest.fixture(scope="module")
def adapter(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_adapter(tiny_model, tmp_path_factory.mktemp("adapter") / "lora")


@pytest.fixture(scope="module")
def model(tiny_model: Path, adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finish(result(tiny_model, adapter), Wish(tmp_path_factory.mktemp("models"), "demo"))


def logits(folder: Path, adapter: Path | None = None) -> mx.array:
    loaded, _ = mlx_lm.load(str(folder), adapter_path=str(adapter) if adapter else None)
    return loaded(PROMPT).astype(mx.float32)


def test_the_folder_has_all_that_both_libraries_and_the_hub_want(model: Path) -> None:
    assert sorted(path.relative_to(model).as_posix() for path in model.rglob("*") if path.is_file()) == [
        ".gitattributes",
        "README.md",
        "adapters/adapter_config.json",
        "adapters/adapters.safetensors",
        "config.json",
        "generation_config.json",
        "metadata.json",
        "model.safetensors",
        "model.safetensors.index.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ]


@pytest.mark.parametrize("method", ["lora", "dora"])
def test_it_computes_what_base_and_adapter_compute(tiny_model: Path, tmp_path: Path, method: str) -> None:
    adapter = make_adapter(tiny_model, tmp_path / method, method)
    made = finish(result(tiny_model, adapter), Wish(tmp_path / "models", "demo"))
    expected = logits(tiny_model, adapter)
    assert mx.abs(logits(made) - expected).max().item() <= 1e-4
    assert mx.abs(logits(tiny_model) - expected).max().item() > 0.1  # the adapter does change something
    assert mx.abs(logits(tiny_model, made / "adapters") - expected).max().item() == 0


def test_a_quantised_base_is_fused_without_losing_the_adapter(tiny_model: Path, tmp_path: Path) -> None:
    base = Path(shutil.copytree(tiny_model, tmp_path / "q4"))
    loaded, _, config = mlx_lm.load(str(base), return_config=True)
    quantised, config = quantize_model(loaded, config, 64, 4)
    save_model(base, quantised)
    save_config(config, base / "config.json")
    adapter = make_adapter(base, tmp_path / "lora", size=0.01)
    made = finish(result(base, adapter), Wish(tmp_path / "models", "demo"))
    assert "quantization" not in json.loads((made / "config.json").read_text())
    assert mx.abs(logits(made) - logits(base, adapter)).max().item() <= 1e-4


def test_card_and_metadata_carry_the_same_numbers(model: Path) -> None:
    metadata = read_metadata(model)
    _, head, body = (model / "README.md").read_text().split("---\n", 2)
    card = yaml.safe_load(head)
    values = [each["value"] for each in card["model-index"][0]["results"][0]["metrics"]]
    assert values == [metadata.after.loss, metadata.after.perplexity] == [1.25, math.exp(1.25)]
    assert f"| base | {metadata.before.loss:.4f} | 2.0000 to 2.0000 | {metadata.before.perplexity:.2f} |\n" in body
    assert f"| this model | {metadata.after.loss:.4f} | 1.2500 to 1.2500 | {metadata.after.perplexity:.2f} |\n" in body
    assert "fell by 37.5 %" in body
    assert "frozen test side" not in body
    assert metadata.test is None
    assert (card["license"], card["base_model"], card["datasets"]) == ("apache-2.0", "tiny", ["scantune-dataset"])


def test_the_frozen_side_is_told_by_itself(tiny_model: Path, adapter: Path, tmp_path: Path) -> None:
    model = finish(result(tiny_model, adapter, tested=True), Wish(tmp_path, "demo"))
    test = read_metadata(model).test
    assert test is not None
    assert (test.before.loss, test.after.loss, test.rows, test.tokens) == (2.5, 1.75, 2, 20)
    _, head, body = (model / "README.md").read_text().split("---\n", 2)
    told = {
        each["dataset"]["split"]: each["metrics"][0]["value"]
        for each in yaml.safe_load(head)["model-index"][0]["results"]
    }
    assert told == {"validation": 1.25, "test": 1.75}
    _, section = body.split("On the 2 rows (20 completion tokens) of the dataset's frozen test side")
    assert f"| base | 2.5000 | 2.5000 to 2.5000 | {test.before.perplexity:.2f} |\n" in section
    assert f"| this model | 1.7500 | 1.7500 to 1.7500 | {test.after.perplexity:.2f} |\n" in section


def test_a_model_of_the_tiny_base_says_so_loudly(model: Path) -> None:
    assert "For trying and testing only" in (model / "README.md").read_text()
    assert read_metadata(model).embedded
    assert "scantune_warning" in json.loads((model / "config.json").read_text())


def test_names_count_up_and_are_never_used_twice(tiny_model: Path, adapter: Path, tmp_path: Path) -> None:
    wish = Wish(tmp_path, "demo")
    first, second = (finish(result(tiny_model, adapter, key=key * 64), wish) for key in "ab")
    assert (first.name, second.name) == ("demo-v1", "demo-v2")
    shutil.rmtree(second)
    assert finish(result(tiny_model, adapter, key="c" * 64), wish).name == "demo-v3"


def test_the_same_job_finds_its_model_again(tiny_model: Path, adapter: Path, tmp_path: Path) -> None:
    first = finish(result(tiny_model, adapter), Wish(tmp_path, "demo"))
    before = (first / "metadata.json").stat().st_mtime_ns
    assert finish(result(tiny_model, adapter), Wish(tmp_path, "demo")) == first
    assert (first / "metadata.json").stat().st_mtime_ns == before


def test_a_name_given_by_hand_must_be_free(tiny_model: Path, adapter: Path, tmp_path: Path) -> None:
    wish = Wish(tmp_path, "mine", by_hand=True)
    assert finish(result(tiny_model, adapter), wish).name == "mine"
    with pytest.raises(BadInput, match="mine is there already"):
        finish(result(tiny_model, adapter, key="b" * 64), wish)


def test_a_maker_that_dies_leaves_no_model(tiny_model: Path, adapter: Path, tmp_path: Path) -> None:
    broken = dataclasses.replace(result(tiny_model, adapter), adapter=tmp_path / "gone")
    with pytest.raises(FileNotFoundError):
        finish(broken, Wish(tmp_path / "models", "demo"))
    assert not [each for each in (tmp_path / "models").iterdir() if not each.name.startswith(".")]
    assert finish(result(tiny_model, adapter), Wish(tmp_path / "models", "demo")).name == "demo-v1"
    assert not (tmp_path / "models" / ".demo-v1.making").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_said_and_leaves_no_model(
    tiny_model: Path, adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLX itself writes here: what it says names no reason and is no OSError."""
    full = tmp_path / "full.safetensors"
    full.symlink_to("/dev/full")
    wish, made = Wish(tmp_path / "models", "demo"), result(tiny_model, adapter)
    weights = {"weight": mx.zeros((64, 64))}
    monkeypatch.setattr("handlers.models.fuse.save_model", lambda *_: mx.save_safetensors(str(full), weights))
    with pytest.raises(Unavailable, match=f"{wish.models} can't be written"):
        finish(made, wish)
    monkeypatch.undo()
    assert not list(wish.models.glob("[!.]*"))
    assert finish(made, wish).name == "demo-v1"


def test_two_makers_do_not_meet(tiny_model: Path, adapter: Path, tmp_path: Path) -> None:
    with held(tmp_path / ".scantune.lock", "busy"), pytest.raises(Unavailable, match="another process"):
        finish(result(tiny_model, adapter), Wish(tmp_path, "demo"))


def test_a_tokenizer_class_that_transformers_4_rejects_is_replaced(
    tiny_model: Path, adapter: Path, tmp_path: Path
) -> None:
    base = Path(shutil.copytree(tiny_model, tmp_path / "base"))
    file = base / "tokenizer_config.json"
    file.write_text(file.read_text().replace("PreTrainedTokenizerFast", "TokenizersBackend"))
    made = finish(result(base, adapter), Wish(tmp_path / "models", "demo"))
    assert json.loads((made / "tokenizer_config.json").read_text())["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert (made / "tokenizer.json").read_bytes() == (base / "tokenizer.json").read_bytes()


def test_a_rope_theta_that_mlx_lm_would_not_read_is_refused(tiny_model: Path, adapter: Path, tmp_path: Path) -> None:
    base = Path(shutil.copytree(tiny_model, tmp_path / "base"))
    config = json.loads((base / "config.json").read_text())
    config["rope_parameters"] = {"rope_theta": config.pop("rope_theta"), "rope_type": "default"}
    (base / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadInput, match="mlx-lm reads 10000"):
        finish(result(base, adapter), Wish(tmp_path / "models", "demo"))
