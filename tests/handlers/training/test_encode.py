"""Where the answer begins in the tokens, and what does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from handlers.dataset.rows import Example, Message
from handlers.training.encode import Row, encode_rows
from watcher.errors import BadInput


class Letters:
    """A template of one token a letter: `<` role letter, content, `>` after an answer."""

    def apply_chat_template(
        self, messages: Sequence[dict[str, str]], *, add_generation_prompt: bool = False, return_dict: bool = False
    ) -> list[int]:
        text = "".join(f"<{each['role'][0]}{each['content']}" + ">" * (each["role"][0] == "a") for each in messages)
        return [ord(letter) for letter in text + "<a" * add_generation_prompt]


class Trimming(Letters):
    """Rewrites earlier messages once there is an answer, as templates of reasoning models do."""

    def apply_chat_template(
        self, messages: Sequence[dict[str, str]], *, add_generation_prompt: bool = False, return_dict: bool = False
    ) -> list[int]:
        kept = messages if add_generation_prompt else messages[-1:]
        return super().apply_chat_template(kept, add_generation_prompt=add_generation_prompt)


def chat(asked: str, answered: str) -> Example:
    return Example(messages=(Message(role="user", content=asked), Message(role="assistant", content=answered)))


def text(row: Row) -> tuple[str, str]:
    letters = "".join(map(chr, row.tokens))
    return letters[: row.start], letters[row.start :]


def test_the_answer_with_its_end_is_what_is_learned() -> None:
    encoded = encode_rows([chat("why", "because")], Letters(), 99)
    assert text(encoded.rows[0]) == ("<uwhy<a", "because>")
    assert encoded.completion_tokens == 8


def test_a_long_answer_is_cut_and_a_prompt_that_fills_the_window_is_left_out_and_both_are_named() -> None:
    encoded = encode_rows([chat("q", "ok"), chat("q", "much too long"), chat("q" * 20, "never")], Letters(), 10)
    assert [text(row)[1] for row in encoded.rows] == ["ok>", "much t"[:5]]
    assert (encoded.cut, encoded.left_out) == ((2,), (3,))
    assert all(row.completion > 0 for row in encoded.rows)


def test_a_template_that_rewrites_the_prompt_is_refused_with_the_row() -> None:
    with pytest.raises(BadInput, match="row 1"):
        encode_rows([chat("why", "because")], Trimming(), 99)


def test_the_tiny_model_s_template_puts_the_prompt_first(tiny_model: Path) -> None:
    from mlx_lm import load

    tokenizer = load(str(tiny_model))[1]
    row = encode_rows([chat("is it bad?", "yes, very")], tokenizer, 512).rows[0]
    assert tokenizer.decode(list(row.tokens[row.start :])) == "yes, very<|endoftext|>"
