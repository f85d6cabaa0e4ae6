"""Logs too large for memory: read twice through a window of a few megabytes.

The first pass checks every value and keeps the log without its results; only if all is well does the second one read
the results, which need the rules that may stand behind them.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from handlers.readers.documents import check_value, json_decoder, parse_json
from handlers.readers.encoding import encoding_of
from handlers.readers.interface import Ledger, MalformedError
from handlers.readers.sarif.alike import Alike
from handlers.readers.sarif.fast import looks_plain

PIECE = 4_000_000
"""Bytes read at once."""
LARGEST = 100_000_000
"""Characters of one value (a result, all rules) that are held at once."""
SPACE = re.compile(r"[ \t\r\n]*")
START = re.compile(rb'[\s\xef\xbb\xbf]*\{.*"(runs|\$schema)"', re.DOTALL)


def may_be_sarif(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(65_536)
    return START.match(head) is not None and b"sarif" in head.lower()


class Walk:
    """Yields `(run, number, result)` for every result of a log; afterwards `log` is the log without them.

    Raises MalformedError for anything that is no JSON, for a key that comes twice, and beyond `max_depth`.
    """

    def __init__(self, file: BinaryIO, max_depth: int, ledger: Ledger, *, careful: bool) -> None:
        self.log: dict[str, Any] = {}
        self._window = _Window(file, max_depth, ledger, careful)

    def __iter__(self) -> Iterator[tuple[int, int, Any]]:
        window = self._window
        for key in window.names():
            if key == "runs" and window.peek() == "[":
                runs = self.log["runs"] = []
                for _ in window.elements():
                    yield from self._run(runs)
            else:
                self.log[key] = window.value()
        if window.peek():
            raise MalformedError("there is something after the end of the log")

    def _run(self, runs: list[Any]) -> Iterator[tuple[int, int, Any]]:
        window = self._window
        if window.peek() != "{":
            runs.append(window.value())
            return
        run: dict[str, Any] = {}
        runs.append(run)
        for key in window.names():
            if key == "results" and window.peek() == "[":
                run[key] = []
                for number in window.elements():
                    yield len(runs) - 1, number, window.value()
            else:
                run[key] = window.value()


class _Window:
    """A part of the text, and the place in it."""

    def __init__(self, file: BinaryIO, max_depth: int, ledger: Ledger, careful: bool) -> None:
        head = file.read(PIECE)
        self._file = file
        self._bytes = codecs.getincrementaldecoder(encoding_of(head))()
        self._ended = not head
        self._text = self._decoded(head)
        self._at = 0
        self._max_depth = max_depth
        self._ledger = ledger
        self._decoder = json_decoder(Ledger(""), duplicates=False)
        self._careful = careful
        self._alike = Alike()

    def _decoded(self, piece: bytes) -> str:
        try:
            text = self._bytes.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            raise MalformedError(f"the text is not {error.encoding}: {error.reason}") from None
        if "\x00" in text:
            raise MalformedError("there is a NUL character in it: no text format allows it")
        return text

    def _more(self) -> bool:
        """Reads on; False at the end of the file."""
        if self._ended:
            return False
        piece = self._file.read(max(PIECE, len(self._text) - self._at))
        self._ended = not piece
        self._text = self._text[self._at :] + self._decoded(piece)
        self._at = 0
        return True

    def peek(self) -> str:
        """The next character that is no white space; `""` at the end."""
        while True:
            match = SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, expected: str) -> str:
        found = self.peek()
        if not found or found not in expected:
            raise MalformedError(f"not valid JSON: {found or 'the end'!r} stands where one of {expected!r} should")
        self._at += 1
        return found

    def names(self) -> Iterator[str]:
        """The keys of an object; the caller reads each value before it asks for the next key."""
        self.take("{")
        known: set[str] = set()
        if self.peek() == "}":
            self.take("}")
            return
        while True:
            key = self.value() if self.peek() == '"' else self.take('"')
            if key in known:
                raise MalformedError(f"the key {key[:80]!r} comes twice in one object")
            known.add(key)
            self.take(":")
            yield key
            if self.take(",}") == "}":
                return

    def elements(self) -> Iterator[int]:
        """The numbers of an array's elements; the caller reads each before it asks for the next."""
        self.take("[")
        if self.peek() == "]":
            self.take("]")
            return
        number = 0
        while True:
            yield number
            number += 1
            if self.take(",]") == "]":
                return

    def value(self) -> Any:
        """The value that begins here, however long."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if len(self._text) - self._at > LARGEST or not self._more():
                    raise MalformedError(f"not valid JSON: {error.msg}") from None
            except RecursionError:
                raise MalformedError(f"nested more than {self._max_depth} deep (limits.max_depth)") from None
            else:
                if end < len(self._text) or not self._more():  # a number may go on behind the window
                    break
        source = self._text[self._at : end]
        self._at = end
        if self._careful:
            plain = looks_plain(source.encode(), self._alike, self._max_depth)
            return value if plain else self._careful_value(source)
        return check_value(value, source, self._max_depth, Ledger("")) if "\\u" in source else value

    def _careful_value(self, source: str) -> Any:
        return parse_json(source, self._max_depth, self._ledger)
