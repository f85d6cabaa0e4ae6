"""llama.cpp's own converter and, where its Python package is there too, llama.cpp itself, on what we export.

The checkout is named by the environment variable LLAMA_CPP; the converter needs torch beside scantune.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

mlx_lm = pytest.importorskip("mlx_lm")

import mlx.core as mx  # noqa: E402
import numpy as np  # noqa: E402

from handlers.models.export import CONVERTER, Finished, export_gguf, open_finished  # noqa: E402
from handlers.models.finish import Wish, finish  # noqa: E402
from tests.handlers.models.made import make_adapter, result  # noqa: E402
from watcher.errors import BadInput  # noqa: E402

CHECKOUT = Path(os.environ.get("LLAMA_CPP", "no-llama-cpp"))
TEXTS = ("What is CWE-89, and how is it fixed?", "1234567 naïve  spaces\n\n\tdef f(x): return x's", "CVE-2021-44228")
ROUNDED = 0.05  # of logits that reach over 10 and more: the converter keeps weights in 16 bits

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not (CHECKOUT / "conversion").is_dir(), reason="LLAMA_CPP names no checkout of llama.cpp"),
    pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="torch is not installed"),
]


def say(line: str) -> None:
    return None


@pytest.fixture(scope="module")
def model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    adapter = make_adapter(tiny_model, tmp_path_factory.mktemp("adapter") / "lora")
    return open_finished(finish(result(tiny_model, adapter), Wish(tmp_path_factory.mktemp("models"), "demo")))


@pytest.fixture(scope="module")
def made(model: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The true converter, told one thing that it can't know: what splits the tiny model's words is GPT-2's pattern."""
    folder = tmp_path_factory.mktemp("llama.cpp")
    lines = (
        "import runpy, sys",
        f"sys.path.insert(0, {str(CHECKOUT)!r})",
        f"sys.path.insert(1, {str(CHECKOUT / 'gguf-py')!r})",
        "from conversion.base import TextModel",
        "TextModel.get_vocab_base_pre = lambda self, tokenizer: 'gpt-2'",
        f"runpy.run_path({str(CHECKOUT / CONVERTER)!r}, run_name='__main__')",
    )
    (folder / CONVERTER).write_text("\n".join(lines))
    return export_gguf(model, folder, say) / f"{model.folder.name}.gguf"


def test_a_tokenizer_that_it_does_not_know_is_told(model: Finished) -> None:
    with pytest.raises(BadInput, match="pre-tokenizer was not recognized") as refused:
        export_gguf(model, CHECKOUT, say)
    assert "OLMo-2" in refused.value.hint


def test_the_converter_takes_our_folder_for_what_it_is(model: Finished, made: Path) -> None:
    gguf = pytest.importorskip("gguf")
    read = gguf.GGUFReader(made)
    told = {name: field.contents() for name, field in read.fields.items()}
    _, tokenizer, config = mlx_lm.load(str(model.folder), return_config=True)
    assert told["general.architecture"] == "olmo2"
    assert told["olmo2.rope.freq_base"] == config["rope_theta"]
    assert told["olmo2.block_count"] == config["num_hidden_layers"]
    assert told["olmo2.attention.layer_norm_rms_epsilon"] == pytest.approx(config["rms_norm_eps"])
    assert told["tokenizer.ggml.eos_token_id"] == tokenizer.eos_token_id
    assert told["tokenizer.chat_template"] == tokenizer.chat_template
    assert len(read.tensors) == len(mx.load(str(model.folder / "model.safetensors")))


@pytest.mark.parametrize("text", TEXTS)
def test_llama_cpp_computes_the_same(model: Finished, made: Path, text: str) -> None:
    llama_cpp = pytest.importorskip("llama_cpp")
    ours, tokenizer = mlx_lm.load(str(model.folder))
    asked = [{"role": "user", "content": text}]
    tokens = list(tokenizer.apply_chat_template(asked, add_generation_prompt=True))
    prompt = tokenizer.apply_chat_template(asked, add_generation_prompt=True, tokenize=False)
    other = llama_cpp.Llama(str(made), n_ctx=512, logits_all=True, verbose=False)
    assert other.tokenize(prompt.encode(), add_bos=True, special=True) == tokens
    other.eval(tokens)
    wanted = np.array(ours(mx.array([tokens]))[0])
    given = np.array(other.scores[: len(tokens)])
    print(f"largest difference of logits: {np.abs(given - wanted).max():.4f}")
    assert np.abs(given - wanted).max() < ROUNDED
    assert (given.argmax(1) == wanted.argmax(1)).mean() > 0.95
