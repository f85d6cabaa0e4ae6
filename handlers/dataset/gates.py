"""What a row must be like by itself before it may be chosen; whatever fails is left out and counted by its reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from handlers.dataset.rows import Example

Length = Callable[[str], int]
"""Tokens of a text."""
AROUND = 8
"""Tokens that a chat format puts around each message, at most: role, line ends, end of text."""
BYTES_PER_TOKEN = 3
"""Of English with code, without a tokenizer to ask; real ones need fewer tokens."""

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_TEMPLATE = re.compile(r"<\|[\w ]{1,40}\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>")
_LETTER = re.compile(r"[^\W\d_]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
LATIN_SHARE = 0.7


def fault(example: Example) -> str | None:
    """Why a row is left out whatever its length, or None."""
    texts = [each.content for each in example.messages]
    if any(_HIDDEN.search(each) for each in texts if not (each.isascii() and each.isprintable())):
        return "control or invisible characters"
    if any(_TEMPLATE.search(each) for each in texts if "<" in each or "[" in each):
        return "tokens of a chat template"
    if not all(map(_in_latin_script, texts)):
        return "another script than Latin"
    return None


def _in_latin_script(text: str) -> bool:
    """Whether most letters are Latin: the narratives, the catalogues and the prompts are in English."""
    if text.isascii():
        return True
    letters = _LETTER.findall(text)
    return sum(bool(_LATIN.match(each)) for each in letters) >= LATIN_SHARE * len(letters)


def tokens(example: Example, length: Length | None, limit: int) -> int:
    """The row's length in tokens of the base model, or an estimate where that can't matter or nobody can tell.

    A byte-level tokenizer never makes more tokens than bytes, so a row of few bytes is within `limit` without encoding.
    """
    around = AROUND * len(example.messages)
    size = sum(len(each.content.encode("utf-8", "surrogatepass")) for each in example.messages)
    if length is None or size + around <= limit:
        return -(-size // BYTES_PER_TOKEN) + around
    return sum(length(each.content) for each in example.messages) + around


def load_length(tokenizer: Path) -> Length:
    """Counts tokens with a model's own `tokenizer.json`."""
    from tokenizers import Tokenizer

    own = Tokenizer.from_file(str(tokenizer))
    own.no_truncation()
    own.no_padding()
    return lambda text: len(own.encode(text, add_special_tokens=False).ids)
