"""Other people's text where a person looks: whatever acts on a terminal or an eye instead of being seen is spelled out.

Names, reasons and warnings quote reports. An escape sequence in them may rewrite the screen, a carriage return the
line, and a character that turns the writing direction the order in which it is read.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata

_ACTS = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
"""Unicode's categories of characters that are not to be seen."""
_KEPT = re.compile(r"([\n\t])")


def printable(text: str) -> str:
    """On one line: bytes that are not UTF-8, and characters that do something, become `\\xNN` or `\\uNNNN`."""
    if text.isprintable():
        return text
    with contextlib.suppress(UnicodeEncodeError):  # half a character, as JSON may hold it, is no byte of a name
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(map(_visible, text))


def is_text(words: str) -> bool:
    """Whether it can be written in UTF-8; a name or an argument of other bytes can't."""
    return words.isascii() or not any("\ud800" <= each <= "\udfff" for each in words)


def harmless(text: str) -> str:
    """The same for a text of several lines: they stay apart, and so do columns."""
    return "".join(part if _KEPT.match(part) else printable(part) for part in _KEPT.split(text))


def _visible(character: str) -> str:
    acts = unicodedata.category(character) in _ACTS
    return character.encode("unicode_escape").decode() if acts else character
