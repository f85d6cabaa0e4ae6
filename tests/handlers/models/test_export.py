"""A finished model in other forms, each shown to be the same model as far as that can be shown here."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
import shutil
from pathlib import Path

import pytest

mlx_lm = pytest.importorskip("mlx_lm")

import mlx.core as mx  # noqa: E402
import numpy as np  # noqa: E402

from handlers.cli.main import main  # noqa: E402
from handlers.dataset.rows import Example, Message  # noqa: E402
from handlers.models.check import find_faults  # noqa: E402
from handlers.models.export import Finished, export_gguf, export_peft, export_quantised, open_finished  # noqa: E402
from handlers.models.finish import Wish, finish  # noqa: E402
from handlers.models.metadata import finished, read_metadata  # noqa: E402
from handlers.models.tiny_text import chats  # noqa: E402
from tests.handlers.models.made import losses, make_adapter, result  # noqa: E402
from watcher.errors import BadInput, Unavailable  # noqa: E402

ROWS = [
    Example(messages=(Message(role="user", content=asked), Message(role="assistant", content="Neutralise the input.")))
    for asked in ("How is CWE-79 avoided?", "What is CWE-89?")
]


def say(line: str) -> None:
    return None


@pytest.fixture
def model(tiny_model: Path, tmp_path: Path) -> Finished:
    adapter = make_adapter(tiny_model, tmp_path / "lora")
    return open_finished(finish(result(tiny_model, adapter), Wish(tmp_path / "models", "demo")))


def test_a_copy_in_fewer_bits_is_kept_while_it_keeps_the_gain(model: Finished) -> None:
    made = export_quantised(model, 8, ROWS, say)
    _, _, config = mlx_lm.load(str(made), return_config=True)
    assert config["quantization"]["bits"] == 8
    assert made.name == "demo-v1-q8"
    assert (made / "README.md").is_file()
    assert find_faults(made, say) == []
    export = read_metadata(made).export
    assert export is not None
    assert (export.of, export.form) == ("demo-v1", "q8")
    assert export.drift is not None
    assert 0 < export.drift.largest < 1
    assert 0 <= export.drift.divergence < 0.1
    with pytest.raises(BadInput, match="is demo-v1 as q8"):
        open_finished(made)
    assert [folder.name for folder, _ in finished(made.parent)] == ["demo-v1"]


def test_a_copy_that_loses_the_gain_is_refused_and_not_kept(tiny_model: Path, tmp_path: Path) -> None:
    """Tuning gained next to nothing here, and two bits a weight cost much more on rows that the base knows well."""
    known = [chat for chat in chats(1) if len(chat.assistant) < 200][:4]
    rows = [
        Example(messages=(Message(role="user", content=each.user), Message(role="assistant", content=each.assistant)))
        for each in known
    ]
    trained = result(tiny_model, make_adapter(tiny_model, tmp_path / "lora", size=0.0))
    trained = dataclasses.replace(trained, losses=losses(2.0, 1.9999))
    model = open_finished(finish(trained, Wish(tmp_path / "models", "demo")))
    with pytest.raises(BadInput, match="more than half of what tuning gained"):
        export_quantised(model, 2, rows, say)
    assert not model.folder.with_name("demo-v1-q2").exists()


@pytest.mark.parametrize("method", ["lora", "dora"])
def test_peft_s_formula_on_its_adapter_gives_the_fused_weights(tiny_model: Path, tmp_path: Path, method: str) -> None:
    """PEFT: W + lora_alpha / r * B @ A; with DoRA each output's row is scaled to its magnitude."""
    trained = result(tiny_model, make_adapter(tiny_model, tmp_path / "lora", method), method=method)
    model = open_finished(finish(trained, Wish(tmp_path / "models", "demo")))
    made = export_peft(model)
    config = json.loads((made / "adapter_config.json").read_text())
    adapter = {name: np.array(each) for name, each in mx.load(str(made / "adapter_model.safetensors")).items()}
    base = mx.load(str(tiny_model / "model.safetensors"))
    fused = mx.load(str(model.folder / "model.safetensors"))
    assert config["target_modules"]
    for module in config["target_modules"]:
        below = f"base_model.model.{module}"
        delta = adapter[f"{below}.lora_B.weight"] @ adapter[f"{below}.lora_A.weight"]
        weight = np.array(base[f"{module}.weight"]) + config["lora_alpha"] / config["r"] * delta
        if config["use_dora"]:
            magnitude = adapter[f"{below}.lora_magnitude_vector.weight"]
            weight *= (magnitude / np.linalg.norm(weight, axis=1))[:, None]
        assert np.abs(weight - np.array(fused[f"{module}.weight"])).max() < 1e-5


@pytest.mark.filterwarnings("ignore::FutureWarning")  # between peft and transformers
@pytest.mark.skipif(not importlib.util.find_spec("peft"), reason="peft is not installed")
def test_peft_computes_the_same_logits(model: Finished, tiny_model: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    tuned = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_model), export_peft(model))
    tokens = [[0, 258, 295, 259, 200, 41, 298]]
    expected = np.array(mlx_lm.load(str(model.folder))[0](mx.array(tokens)))
    assert np.abs(tuned(torch.tensor(tokens)).logits.detach().numpy() - expected).max() <= 1e-4


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="torch is not installed")
def test_transformers_computes_the_same_logits(model: Finished) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    tokens = [[0, 258, 295, 259, 200, 41, 298]]
    expected = np.array(mlx_lm.load(str(model.folder))[0](mx.array(tokens)))
    other = AutoModelForCausalLM.from_pretrained(model.folder)(torch.tensor(tokens)).logits.detach().numpy()
    assert np.abs(other - expected).max() <= 1e-4


def test_transformers_opens_the_tokenizer(model: Finished) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model.folder)
    asked = [{"role": "user", "content": "Why?"}]
    text = tokenizer.apply_chat_template(asked, add_generation_prompt=True, tokenize=False)
    assert text == "<|endoftext|><|user|>\nWhy?\n<|assistant|>\n"


def test_gguf_is_made_by_the_converter_of_llama_cpp(model: Finished, tmp_path: Path) -> None:
    """A stand-in notes how it is called: the true converter needs torch and a checkout."""
    with pytest.raises(Unavailable, match="--llama-cpp"):
        export_gguf(model, tmp_path, say)
    script = tmp_path / "convert_hf_to_gguf.py"
    script.write_text("import sys, pathlib; pathlib.Path(sys.argv[3]).write_text(sys.argv[1])")
    made = export_gguf(model, tmp_path, say)
    assert (made / "demo-v1.gguf").read_text() == str(model.folder)
    modelfile = (made / "Modelfile").read_text()
    assert read_metadata(made).weights == hashlib.sha256((made / "demo-v1.gguf").read_bytes()).hexdigest()
    assert modelfile.startswith("FROM ./demo-v1.gguf\n")
    assert "<|{{ .Role }}|>\n{{ .Content }}\n" in modelfile
    shutil.rmtree(made)
    script.write_text("raise SystemExit('Model Olmo2ForCausalLM is not supported')")
    with pytest.raises(BadInput, match="Olmo2ForCausalLM is not supported"):
        export_gguf(model, tmp_path, say)
    script.write_text("import a_package_that_is_not_there")
    with pytest.raises(Unavailable, match="No module named") as missing:
        export_gguf(model, tmp_path, say)
    assert "pip install torch" in missing.value.hint


def test_the_verb_says_what_it_made(
    model: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCANTUNE_FINE_TUNED_MODELS_DIR", str(model.folder.parent))
    words = ["--workspace", str(tmp_path), "models", "export", model.folder.name, "--to"]
    assert main([*words, "peft"]) == 0
    assert capsys.readouterr().out.strip() == str(model.folder.with_name("demo-v1-peft"))
    assert main([*words, "peft"]) == 1
    assert "is there already" in capsys.readouterr().err
    assert main([*words, "q4"]) == 1
    assert "--dataset" in capsys.readouterr().err
