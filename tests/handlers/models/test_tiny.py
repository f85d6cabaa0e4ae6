"""The embedded tiny model: reproducible, opened by mlx-lm, in OLMo-2's chat format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

mlx_lm = pytest.importorskip("mlx_lm")

from handlers.dataset.rows import Example, Message  # noqa: E402
from handlers.evaluation.measure import evaluate  # noqa: E402
from handlers.models import tiny_text  # noqa: E402
from handlers.models.tiny import SHIPPED, WARNING  # noqa: E402
from handlers.models.tiny_training import train_tiny  # noqa: E402


@pytest.fixture(scope="module")
def anew(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was trained for one step."""
    folder = tmp_path_factory.mktemp("anew") / "tiny"
    train_tiny(folder, print, steps=1)
    return folder


def test_the_same_steps_give_the_same_bytes(anew: Path, tmp_path: Path) -> None:
    train_tiny(tmp_path / "again", print, steps=1)
    names = sorted(each.name for each in anew.iterdir())
    assert names == sorted(each.name for each in (tmp_path / "again").iterdir())
    for name in names:
        assert (anew / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_the_shipped_one_has_the_tokenizer_that_training_makes(tiny_model: Path, anew: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json", "config.json", "README.md"):
        assert (tiny_model / name).read_bytes() == (anew / name).read_bytes(), name


def test_it_was_trained(tiny_model: Path, anew: Path) -> None:
    """The shipped weights predict the catalogue far better than weights that have seen next to nothing."""
    chats = tiny_text.chats(1)[:8]
    rows = [
        Example(messages=(Message(role="user", content=each.user), Message(role="assistant", content=each.assistant)))
        for each in chats
    ]
    assert evaluate(tiny_model, None, rows, 512).loss < 0.5 * evaluate(anew, None, rows, 512).loss


def test_what_is_shipped_is_small() -> None:
    assert sum(each.stat().st_size for each in SHIPPED.iterdir()) < 1_000_000


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
