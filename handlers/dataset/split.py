"""Which side a group is on: decided by a digest of its key alone, so that it stays there for ever."""

from __future__ import annotations

import hashlib
from typing import Literal

Side = Literal["train", "valid", "test"]
SIDES: tuple[Side, ...] = ("train", "valid", "test")
"""Ordered by how far a side is held out: where a later alias joins groups of several sides, the last one stays."""


def fraction(key: str) -> float:
    """A number in [0, 1) that belongs to `key`, evenly spread over all keys."""
    digest = hashlib.sha256(b"scantune side\x00" + key.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def side_of(key: str, valid_share: float, test_share: float = 0.0) -> Side:
    """The side of a group key. A larger share takes groups from train only: valid grows from 0, test from 1."""
    drawn = fraction(key)
    if drawn < valid_share:
        return "valid"
    return "test" if drawn >= 1 - test_share else "train"
