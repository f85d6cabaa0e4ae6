"""Large SARIF logs, several times faster than the careful way and with the same outcome.

The log without its results is small and goes the careful way. Each result is decoded straight into `model.Result`; what
that decoder would not notice (a key that comes twice) is looked for by another one. A result that either of them
objects to goes the careful way, and so does the whole log if anything about its outline is unusual.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

import jiter
import msgspec

from handlers.readers.documents import parse_json
from handlers.readers.interface import Ledger, MalformedError
from handlers.readers.node import Node
from handlers.readers.sarif import model
from handlers.readers.sarif.alike import Alike
from handlers.readers.sarif.lenient import convert

BEFORE_RESULTS = re.compile(rb'"results"\s*:\s*\[\s*$')
BEFORE = 200
"""Bytes in which `"results": [` must stand before the first result; more white space is unusual."""


DEPTH = 200
"""So deep goes jiter; a log is not read the fast way where the limit is lower."""


class _Run(msgspec.Struct):
    results: list[msgspec.Raw] | None = None


class _Log(msgspec.Struct):
    runs: list[_Run]


_outline = msgspec.json.Decoder(_Log)
_result = msgspec.json.Decoder(model.Result)


@dataclass(slots=True)
class Outline:
    """A log whose results are kept apart, still undecoded: `log["runs"][n]["results"]` is empty for all n."""

    log: Node
    results: list[list[msgspec.Raw]]


def outline(content: bytes, max_depth: int) -> Outline | None:
    """None for everything that had better go the careful way."""
    if not content[:64].lstrip().startswith(b"{") or b'"runs"' not in content:
        return None
    try:
        runs = _outline.decode(content).runs
    except (msgspec.DecodeError, RecursionError):
        return None
    results = [run.results or [] for run in runs]
    rest = _without(content, results)
    if rest is None:
        return None
    unusual = Ledger("")
    try:
        log = Node(parse_json(rest.decode("utf-8"), max_depth, unusual))
    except (UnicodeDecodeError, MalformedError):
        return None
    return None if unusual.warned else Outline(log, results)


def _without(content: bytes, results: list[list[msgspec.Raw]]) -> bytes | None:
    """The text of the log with every list of results emptied."""
    parts, at = [], 0
    for each in results:
        if not each:
            continue
        first, last = bytes(each[0]), bytes(each[-1])
        start = content.find(first, at)
        if start < 0 or not BEFORE_RESULTS.search(content[max(start - BEFORE, 0) : start]):
            return None
        least = start + sum(len(memoryview(raw)) for raw in each[:-1])
        end = content.find(last, least) + len(last)
        if not content[end : end + BEFORE].lstrip().startswith(b"]"):
            return None
        parts.append(content[at:start])
        at = end
    return b"".join((*parts, content[at:]))


def decode(raws: list[msgspec.Raw], above: Node, max_depth: int, ledger: Ledger) -> Iterator[tuple[model.Result, str]]:
    """The results with their pointers, taken out of `raws` one by one: their memory goes to the findings. What is no
    object is counted. Raises MalformedError like `parse_json`."""
    place = above.pointer
    alike = Alike()
    raws.reverse()
    for index in range(len(raws)):
        at = f"{place}/{index}"
        content = bytes(raws.pop())
        result = _typed(content) if looks_plain(content, alike, max_depth) else None
        if result is not None:
            yield result, at
        else:
            value = parse_json(content.decode("utf-8", "replace"), max_depth, ledger)
            if isinstance(value, dict):
                yield convert(value, model.Result, functools.partial(ledger.warn_at, Node(None, None, at))), at
            else:
                ledger.malformed(Node(None, None, at))


def looks_plain(content: bytes, alike: Alike, max_depth: int) -> bool:
    """`is_plain`, known by its likeness where that is possible."""
    if alike.to_one_seen(content):
        return True
    plain = is_plain(content, max_depth)
    if plain:
        alike.see(content)
    return plain


def is_plain(content: bytes, max_depth: int) -> bool:
    """One JSON value without keys that come twice, without NaN, and not nested too deep."""
    if max_depth < DEPTH:
        return False
    try:
        jiter.from_json(content, allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError:
        return False
    return True


def _typed(raw: bytes) -> model.Result | None:
    try:
        return _result.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
