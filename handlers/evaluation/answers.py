"""Answers of a model, word by word the likeliest: the same model gives the same answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlx_lm import batch_generate

from handlers.dataset.rows import Example

TOGETHER = 8
"""Prompts answered at once."""


def answer_rows(model: Any, tokenizer: Any, rows: Sequence[Example], most_tokens: int) -> list[str]:
    """One answer a row, at temperature 0, no longer than the given number of tokens."""
    model.eval()
    prompts = [_prompt(tokenizer, row) for row in rows]
    found = batch_generate(model, tokenizer, prompts, max_tokens=most_tokens, completion_batch_size=TOGETHER)
    return [text.strip() for text in found.texts]


def _prompt(tokenizer: Any, row: Example) -> list[int]:
    """Token ids: strings are not taken by `batch_generate`."""
    messages = [{"role": each.role, "content": each.content} for each in row.messages[:-1]]
    tokens: list[int] = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    return tokens
