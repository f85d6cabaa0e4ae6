"""Broken reports made of real ones: by bytes, and by structure. The same seed makes the same reports."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.handlers.readers.corpus import SHARED

LARGEST = 120_000
"""Larger reports are cut to their first records: mutations matter, not bulk."""
ODD: list[Any] = [None, True, False, 0, -1, 2**63, 1e308, "", " ", "\ud800", "\x00", "x" * 5_000, [], {}, [[]], [None],
                  {"a": {}}, "CVE-2024-1", "http://[", "pkg:npm/%", "<b>", "../" * 20, 3.5]  # fmt: skip
TOKENS = [b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\x00", b"\xff", b"<", b">", b"&", b"null", b"NaN", b"\n",
          b"1e999", b"\\ud800", b"<!DOCTYPE", b"]]>", b"PK\x03\x04", b"\x1f\x8b", b"\xef\xbb\xbf"]  # fmt: skip


def seeds() -> list[bytes]:
    """The corpus's reports without its pages and archives, each at most `LARGEST` bytes."""
    files = sorted(path for path in (SHARED / "artifacts").rglob("*") if path.is_file() and _is_report(path))
    return [small for path in files if (small := _small(path.read_bytes())) is not None]


def archives() -> list[bytes]:
    return [path.read_bytes() for path in sorted((SHARED / "artifacts" / "_zips").glob("*.zip"))]


def _is_report(path: Path) -> bool:
    return path.suffix not in (".zip", ".md", ".html") and path.name not in ("manifest.json", "NOTICE.md")


def _small(content: bytes) -> bytes | None:
    if len(content) <= LARGEST:
        return content
    try:
        value = _cut(json.loads(content))
    except ValueError:
        return None
    text = json.dumps(value).encode()
    return text if len(text) <= 2 * LARGEST else None


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _cut(each) for key, each in value.items()}
    return [_cut(each) for each in value[:4]] if isinstance(value, list) else value


def mutants(count: int, seed: int) -> Iterator[bytes]:
    """`count` broken reports."""
    reports, zips = seeds(), archives()
    for number in range(count):
        dice = random.Random(f"{seed}:{number}")
        kind = dice.random()
        if kind < 0.08:
            yield by_bytes(dice.choice(zips), dice)
        elif kind < 0.5:
            yield by_bytes(dice.choice(reports), dice)
        else:
            yield by_structure(dice.choice(reports), dice)


def by_bytes(content: bytes, dice: random.Random) -> bytes:
    """A few bytes changed, inserted, removed, repeated, or the rest cut off."""
    result = bytearray(content)
    for _ in range(dice.randint(1, 4)):
        dice.choice(BYTE_MOVES)(result, dice)
    return bytes(result)


def _at(result: bytearray, dice: random.Random) -> int:
    return dice.randrange(len(result) + 1)


def _flip(result: bytearray, dice: random.Random) -> None:
    if result:
        result[dice.randrange(len(result))] = dice.randrange(256)


def _insert(result: bytearray, dice: random.Random) -> None:
    at = _at(result, dice)
    result[at:at] = dice.choice(TOKENS) * dice.choice([1, 1, 1, 300])


def _remove(result: bytearray, dice: random.Random) -> None:
    at = _at(result, dice)
    del result[at : at + dice.choice([1, 5, 100])]


def _repeat(result: bytearray, dice: random.Random) -> None:
    at = _at(result, dice)
    result[at:at] = result[at : at + dice.choice([10, 200, 2000])]


def _truncate(result: bytearray, dice: random.Random) -> None:
    del result[_at(result, dice) :]


BYTE_MOVES: list[Callable[[bytearray, random.Random], None]] = [_flip, _insert, _remove, _repeat, _truncate]


def by_structure(content: bytes, dice: random.Random) -> bytes:
    """Values of a JSON report replaced, removed, renamed, nested or swapped; other reports go by bytes."""
    try:
        value = json.loads(content)
    except ValueError:
        return by_bytes(content, dice)
    for _ in range(dice.randint(1, 3)):
        value = _change(value, dice)
    try:
        return json.dumps(value, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        return content


def _change(root: Any, dice: random.Random) -> Any:
    above, key = _somewhere(root, dice)
    if above is None:
        return dice.choice(ODD)
    move = dice.random()
    if move < 0.55:
        above[key] = dice.choice(ODD)
    elif move < 0.7:
        del above[key]
    elif move < 0.8 and isinstance(above, dict):
        above[dice.choice(["results", "runs", "id", "name", key + "x"])] = above.pop(key)
    elif move < 0.9:
        above[key] = [above[key]] if dice.random() < 0.5 else {"wrapped": above[key]}
    else:
        other, there = _somewhere(root, dice)
        if other is not None:
            above[key] = other[there] if not isinstance(other[there], dict | list) else dice.choice(ODD)
    return root


def _somewhere(root: Any, dice: random.Random) -> tuple[Any, Any]:
    """(container, key) of a random value, deeper ones as likely as others."""
    above, key, value = None, None, root
    while isinstance(value, dict | list) and value and (above is None or dice.random() < 0.8):
        above = value
        key = dice.choice(list(value)) if isinstance(value, dict) else dice.randrange(len(value))
        value = above[key]
    return above, key
