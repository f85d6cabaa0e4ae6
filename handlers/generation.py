"""Many answers of one model: prompts in the order of their length, what they begin with in common computed once.

Greedy, so the same model gives the same answers. Imports MLX: only in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx_lm import batch_generate
from mlx_lm.models.cache import make_prompt_cache

from handlers.models.device import settle_device
from handlers.models.opening import open_model

SLICE = 256
"""Prompts given to the model at once; between two slices it can be told to stop."""
STEP = 512
"""Tokens of the common beginning that are computed at once."""
SHORTEST_PREFIX = 8


class Generator:
    """A loaded model that answers prompts."""

    def __init__(self, folder: Path) -> None:
        settle_device()
        self.model, self.tokenizer = open_model(folder)
        self._special = sorted(_special_tokens(self.tokenizer), key=len, reverse=True)

    def answer(self, prompts: Sequence[str], most_tokens: int, go_on: Callable[[], None] = lambda: None) -> list[str]:
        """One answer a prompt, in the prompts' order, each of at most `most_tokens` tokens.

        `go_on` is called between slices and may raise.
        """
        encoded = [self.encode(each) for each in prompts]
        order = sorted(range(len(encoded)), key=lambda at: len(encoded[at]))
        answers = [""] * len(encoded)
        shared = _common_prefix(encoded)
        cache = self._cached(shared)
        for start in range(0, len(order), SLICE):
            go_on()
            chosen = order[start : start + SLICE]
            rest = [encoded[at][len(shared) :] for at in chosen]
            caches = [cache] * len(rest) if cache else None
            made = batch_generate(self.model, self.tokenizer, rest, prompt_caches=caches, max_tokens=most_tokens)
            for at, text in zip(chosen, made.texts, strict=True):
                answers[at] = text.strip()
        return answers

    def encode(self, prompt: str) -> list[int]:
        """A prompt as the chat template wants it. Text that spells a special token loses it first."""
        messages = [{"role": "user", "content": self._plain(prompt)}]
        return list(self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False))

    def _plain(self, text: str) -> str:
        before = ""
        while before != text:
            before = text
            for token in self._special:
                text = text.replace(token, "")
        return text

    def _cached(self, tokens: Sequence[int]) -> list[Any] | None:
        """The model's state after the common beginning; None where it is too short to be worth it."""
        if not tokens:
            return None
        cache: list[Any] = make_prompt_cache(self.model)
        for start in range(0, len(tokens), STEP):
            self.model(mx.array([tokens[start : start + STEP]]), cache=cache)
            mx.eval([each.state for each in cache])
        return cache


@cache
def load_generator(folder: Path, revision: str) -> Generator:
    """The model of a folder, loaded once for all jobs of this process; a new revision is loaded anew."""
    return Generator(folder)


def _special_tokens(tokenizer: Any) -> Iterator[str]:
    """Every text that the tokenizer would turn into a control token."""
    yield from (str(each) for each in tokenizer.all_special_tokens)
    yield from (str(each) for each in tokenizer.get_added_vocab())


def _common_prefix(encoded: Sequence[list[int]]) -> list[int]:
    """What all prompts begin with, but never all of one; empty for a single prompt or a short beginning."""
    if len(encoded) < 2:
        return []
    first, last = min(encoded), max(encoded)
    most = min(map(len, encoded)) - 1
    length = next((at for at in range(most) if first[at] != last[at]), most)
    return list(first[:length]) if length >= SHORTEST_PREFIX else []
