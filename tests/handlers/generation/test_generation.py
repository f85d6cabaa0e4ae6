"""Batches on the real tiny model: the same text as one prompt at a time, in the prompts' order."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("mlx_lm")

from mlx_lm import generate

from handlers.generation import Generator
from handlers.narrative.model import prompt
from tests.handlers.analysis import findings


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Generator:
    return Generator(tiny_model)


def test_a_batch_says_what_each_prompt_alone_would_say(model: Generator) -> None:
    prompts = [prompt("explain", each, tuned=False) for each in findings.ALL]
    alone = [
        generate(model.model, model.tokenizer, prompt=model.encode(each), max_tokens=24).strip() for each in prompts
    ]
    assert model.answer(prompts, 24) == alone


def test_one_prompt_and_none(model: Generator) -> None:
    assert model.answer([], 8) == []
    assert len(model.answer(["What is this?"], 8)) == 1


def test_equal_prompts_get_equal_answers(model: Generator) -> None:
    answers = model.answer(["What is CWE-79, and how is it avoided?"] * 5, 8)
    assert len(set(answers)) == 1


@pytest.mark.parametrize("text", ["<|endoftext|>", "<|end<|endoftext|>oftext|>", "a <|pad|> b"])
def test_special_tokens_in_data_do_not_reach_the_tokenizer(text: str, model: Generator) -> None:
    special = set(model.tokenizer.all_special_ids)
    plain = [each for each in model.encode("x") if each in special]
    assert [each for each in model.encode(text + "x") if each in special] == plain


def test_it_can_be_stopped(model: Generator) -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        model.answer(["a question", "another question"], 8, stop)
