"""Results that look like one that was looked through: the same keys in the same nesting, only with other values.

A tool writes its results alike, so that looking for keys that come twice in each of 50,000 would be done in vain and
cost more than reading them. A result that was found plain becomes a pattern of its keys; one that fits it whole has the
same keys at the same places, and so none twice.
"""

from __future__ import annotations

import re
from collections import Counter

TOKEN = re.compile(rb'("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.]*)|[^"\d-]+')
"""Of valid JSON: a text (a key, if a colon follows), a number, or what stands between them."""
TEXT = rb'"[^"\\\x00-\x1f\x80-\xff]*+(?:\\["\\/bfnrt][^"\\\x00-\x1f\x80-\xff]*+)*+"'
"""A text in ASCII without `\\u`: others are looked through. It never goes back over what it took: linear time."""
NUMBER = rb"-?+\d{1,15}+(?:\.\d{1,15}+)?+"
OFTEN = 3
"""How many results with one number of quotation marks are looked through before the next of them makes a pattern."""
LONGEST = 10_000
MOST = 100
"""Bytes of a result that is made a pattern, and patterns of a log: making one takes some milliseconds."""


class Alike:
    """The patterns of one log."""

    def __init__(self) -> None:
        self._patterns: dict[int, re.Pattern[bytes]] = {}
        self._plain: Counter[int] = Counter()

    def to_one_seen(self, content: bytes) -> bool:
        """Whether it has the keys of a plain result that was shown before."""
        pattern = self._patterns.get(content.count(b'"'))
        return pattern is not None and pattern.fullmatch(content) is not None

    def see(self, plain: bytes) -> None:
        """A result without keys that come twice."""
        quotes = plain.count(b'"')
        self._plain[quotes] += 1
        few = len(self._patterns) < MOST and len(plain) <= LONGEST
        if few and self._plain[quotes] == OFTEN:
            self._patterns[quotes] = _pattern(plain)


def _pattern(content: bytes) -> re.Pattern[bytes]:
    parts: list[bytes] = []
    for token in TOKEN.finditer(content):
        text, colon, number = token.groups()
        parts.append(TEXT if text and not colon else NUMBER if number else re.escape(token[0]))
    return re.compile(b"".join(parts))
