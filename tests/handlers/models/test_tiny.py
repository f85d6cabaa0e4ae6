"""The embedded tiny model: reproducible, opened by mlx-lm, in OLMo-2's chat format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

mlx_lm = pytest.importorskip("mlx_lm")

from handlers.models.tiny import WARNING, make_tiny  # noqa: E402


def test_the_same_steps_give_the_same_bytes(tiny_model: Path, tmp_path: Path) -> None:
    make_tiny(tmp_path / "again", steps=4)
    names = sorted(each.name for each in tiny_model.iterdir())
    assert names == sorted(each.name for each in (tmp_path / "again").iterdir())
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (tiny_model / name).read_bytes(), name


def test_it_speaks_the_chat_format_of_olmo_2(tiny_model: Path) -> None:
    _, tokenizer = mlx_lm.load(str(tiny_model))
    asked = [{"role": "user", "content": "Why?"}]
    answered = [*asked, {"role": "assistant", "content": "Because."}]
    prompt = tokenizer.apply_chat_template(asked, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template(answered)
    assert tokenizer.decode(prompt) == "<|endoftext|><|user|>\nWhy?\n<|assistant|>\n"
    assert tokenizer.decode(whole) == "<|endoftext|><|user|>\nWhy?\n<|assistant|>\nBecause.<|endoftext|>"
    assert whole[: len(prompt)] == prompt
    assert whole[-1] == tokenizer.eos_token_id


def test_it_reads_the_architecture_as_written(tiny_model: Path) -> None:
    model, _ = mlx_lm.load(str(tiny_model))
    assert model.args.model_type == "olmo2"
    assert model.args.rope_theta == 500000.0
    assert not model.args.tie_word_embeddings


def test_it_says_what_it_is_for(tiny_model: Path) -> None:
    assert json.loads((tiny_model / "config.json").read_text())["scantune_warning"] == WARNING
    assert WARNING in (tiny_model / "README.md").read_text()
