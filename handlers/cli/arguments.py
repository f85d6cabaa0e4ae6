"""Values of the command line that argparse's own types would let through; what does not fit is wrong usage."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path

from watcher.shown import is_text, printable


def path(words: str) -> Path:
    """A path that says something: `Path("")`, from a variable that is not set, would be the folder one stands in."""
    if not words:
        raise ArgumentTypeError("a path is expected, and this is empty")
    return Path(words)


def subject(words: str) -> str:
    """An id, a name or a path that says something: "" would mean whatever has no name."""
    if not words:
        raise ArgumentTypeError("an id, a name or a path is expected, and this is empty")
    return words


def text(words: str) -> str:
    """Text that can be kept; a terminal of another encoding hands over bytes that are none."""
    if not is_text(words):
        raise ArgumentTypeError(f"text in UTF-8 is expected, not {printable(words)}")
    return words


def count(words: str) -> int:
    """A whole number from 1 on."""
    if not words.isdecimal() or int(words) < 1:
        raise ArgumentTypeError(f"a whole number from 1 on is expected, not {words!r}")
    return int(words)


def days(words: str) -> float:
    """A number of days, 0 or more."""
    try:
        number = float(words)
    except ValueError:
        number = -1.0
    if not number >= 0:  # also "nan"
        raise ArgumentTypeError(f"a number of days is expected, 0 or more, not {words!r}")
    return number
