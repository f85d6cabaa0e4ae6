"""From chat rows to tokens: where the prompt ends and the completion, the only part that is learned, begins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from handlers.dataset.rows import Example
from handlers.records import Record
from watcher.errors import BadInput


class Tokenizer(Protocol):
    """What is needed of mlx-lm's tokenizer."""

    def apply_chat_template(
        self, messages: Sequence[dict[str, str]], *, add_generation_prompt: bool = False, return_dict: bool = False
    ) -> list[int]: ...


class Row(Record, frozen=True, kw_only=True):
    """One example as tokens."""

    number: int  # 1-based, in its file
    tokens: tuple[int, ...]
    start: int  # index of the first completion token; 0 < start < len(tokens)

    @property
    def completion(self) -> int:
        """How many tokens are learned."""
        return len(self.tokens) - self.start


class Encoded(Record, frozen=True, kw_only=True):
    """The rows of one file, and what the window did to them."""

    rows: tuple[Row, ...]
    cut: tuple[int, ...] = ()  # numbers of rows whose completion was cut at the window's end
    left_out: tuple[int, ...] = ()  # numbers of rows whose prompt alone fills the window

    @property
    def tokens(self) -> int:
        return sum(len(row.tokens) for row in self.rows)

    @property
    def completion_tokens(self) -> int:
        return sum(row.completion for row in self.rows)


def encode_rows(examples: Iterable[Example], tokenizer: Tokenizer, window: int) -> Encoded:
    """Tokenizes examples for a window of `window` tokens; every row that is kept has a completion token.

    Raises BadInput if the model's chat template does not put the prompt, unchanged, before the answer.
    """
    rows, cut, left_out = [], [], []
    for number, example in enumerate(examples, start=1):
        tokens, start = _tokenize(example, tokenizer, number)
        if start >= window:
            left_out.append(number)
            continue
        if len(tokens) > window:
            cut.append(number)
        rows.append(Row(number=number, tokens=tuple(tokens[:window]), start=start))
    return Encoded(rows=tuple(rows), cut=tuple(cut), left_out=tuple(left_out))


def _tokenize(example: Example, tokenizer: Tokenizer, number: int) -> tuple[list[int], int]:
    messages = [{"role": each.role, "content": each.content} for each in example.messages]
    tokens = tokenizer.apply_chat_template(messages, return_dict=False)
    prompt = tokenizer.apply_chat_template(messages[:-1], add_generation_prompt=True, return_dict=False)
    if not 0 < len(prompt) < len(tokens) or tokens[: len(prompt)] != prompt:
        raise BadInput(
            f"row {number}: the base model's chat template does not put the prompt unchanged before the answer",
            "use a base model whose template appends messages, or change the row's roles",
        )
    return tokens, len(prompt)
