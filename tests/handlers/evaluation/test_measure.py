"""Losses on rows: against a loss worked out by hand, whole sets, independent of batches and of anything random."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

mlx_lm = pytest.importorskip("mlx_lm")

import mlx.core as mx  # noqa: E402
import numpy as np  # noqa: E402

from handlers.dataset.rows import Example, Message  # noqa: E402
from handlers.evaluation.measure import evaluate, evaluate_model  # noqa: E402
from handlers.training.encode import encode_rows  # noqa: E402
from watcher.errors import BadInput  # noqa: E402

ANSWERS = ["Neutralise the input.", "Update.", "The product does not check the length of the data that it copies."]


def example(answer: str) -> Example:
    return Example(messages=(Message(role="user", content="How?"), Message(role="assistant", content=answer)))


ROWS = [example(answer) for answer in ANSWERS]


def by_hand(folder: Path, row: Example) -> tuple[float, int]:
    """Sum of the negative log likelihoods of the answer's tokens, one forward pass without padding, in numpy."""
    model, tokenizer = mlx_lm.load(str(folder))
    messages = [{"role": each.role, "content": each.content} for each in row.messages]
    tokens = tokenizer.apply_chat_template(messages)
    start = len(tokenizer.apply_chat_template(messages[:-1], add_generation_prompt=True))
    logits = np.array(model(mx.array([tokens])))[0].astype(np.float64)
    likelihoods = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return -sum(likelihoods[at - 1, tokens[at]] for at in range(start, len(tokens))), len(tokens) - start


def test_the_loss_is_that_of_the_answers_tokens(tiny_model: Path) -> None:
    result = evaluate(tiny_model, None, ROWS, 256)
    expected = [by_hand(tiny_model, row) for row in ROWS]
    assert [row.number for row in result.each] == [1, 2, 3]
    assert [row.tokens for row in result.each] == [tokens for _, tokens in expected]
    assert [row.loss for row in result.each] == pytest.approx([loss for loss, _ in expected], rel=1e-5)
    assert result.tokens == sum(tokens for _, tokens in expected)
    assert result.loss == pytest.approx(sum(loss for loss, _ in expected) / result.tokens, rel=1e-5)
    assert result.perplexity == pytest.approx(math.exp(result.loss))


@pytest.mark.parametrize("batch_size", [1, 2, 4])
def test_no_batch_size_leaves_a_row_out_or_changes_the_loss(tiny_model: Path, batch_size: int) -> None:
    result = evaluate(tiny_model, None, ROWS, 256, batch_size)
    assert result.rows == len(ROWS)
    assert result.loss == pytest.approx(evaluate(tiny_model, None, ROWS, 256).loss, rel=1e-5)


def test_nothing_is_drawn_from_the_global_generators(tiny_model: Path) -> None:
    model, tokenizer = mlx_lm.load(str(tiny_model))
    np.random.seed(1)
    mx.random.seed(1)
    evaluate_model(model, encode_rows(ROWS, tokenizer, 256))
    drawn = np.random.rand(), mx.random.uniform().item()
    np.random.seed(1)
    mx.random.seed(1)
    assert (np.random.rand(), mx.random.uniform().item()) == drawn


def test_rows_that_do_not_fit_are_counted(tiny_model: Path) -> None:
    long = Example(messages=(Message(role="user", content="why " * 300), Message(role="assistant", content="So.")))
    result = evaluate(tiny_model, None, [*ROWS, long], 128)
    assert (result.rows, result.left_out) == (3, 1)


def test_nothing_to_evaluate_is_an_error(tiny_model: Path) -> None:
    with pytest.raises(BadInput, match="no row"):
        evaluate(tiny_model, None, ROWS, 8)
