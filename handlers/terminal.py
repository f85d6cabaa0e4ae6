"""Standard output and standard error: what every command says goes through here.

Text for people is made harmless as a whole (watcher.shown); JSON is escaped by its own rules, so that nothing is lost.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO, cast

import msgspec

from watcher.shown import harmless, is_text, printable


class Harmless:
    """A stream of text that spells out what would act on a terminal, or what the stream's encoding lacks."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        with self.failing():
            shown = harmless(text)
            try:
                self.stream.write(shown)
            except UnicodeEncodeError:
                self.stream.write(shown.encode(self.stream.encoding, "backslashreplace").decode(self.stream.encoding))
        return len(text)

    def flush(self) -> None:
        with self.failing():
            self.stream.flush()

    @contextlib.contextmanager
    def failing(self) -> Iterator[None]:
        """What becomes of a failure to write: an answer that can't be handed over is an error."""
        with _named():
            yield

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)


class Progress(Harmless):
    """Standard error: work goes on if nobody listens any more, as in `scantune run 2>&1 | head`."""

    @contextlib.contextmanager
    def failing(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            _let_go(self.stream)


def _let_go(stream: TextIO) -> None:
    """What is left in a stream that takes nothing more would be tried again at the end of the process."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


@contextlib.contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        error.filename = "standard output"
        raise


@contextlib.contextmanager
def harmless_streams() -> Iterator[None]:
    """Whatever is printed, logged or complained of meanwhile; after an unexpected error its traceback too."""
    _open_what_is_closed()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _made(Harmless, sys.stdout), _made(Progress, sys.stderr)
    yield
    sys.stdout, sys.stderr = before


def _made(kind: type[Harmless], stream: TextIO) -> TextIO:
    return stream if isinstance(stream, Harmless) else cast(TextIO, kind(stream))


def _open_what_is_closed() -> None:
    """For a program started with `<&-` or `>&-`: else the next file that is opened would be what others print to."""
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    handle = 0
    while handle <= 2:
        handle = os.open(os.devnull, os.O_RDWR)
    os.close(handle)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - open as long as the process lives
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


def flush() -> None:
    """Hands over what was printed. Raises OSError if it can't be."""
    try:
        sys.stdout.flush()
    except OSError:
        _let_go(sys.stdout)
        raise


@contextlib.contextmanager
def progress_bars() -> Iterator[None]:
    """Standard error as it is, for a library that draws on it."""
    with contextlib.redirect_stderr(getattr(sys.stderr, "stream", sys.stderr)):
        yield


def say(line: str) -> None:
    """One line on standard error: progress, a warning."""
    print(printable(line), file=sys.stderr, flush=True)


def page(lines: Iterable[str]) -> str:
    """Lines for a person; each stays one line, whatever it quotes."""
    return "\n".join(map(printable, lines))


def print_json(answer: object) -> None:
    """One JSON document on standard output, in UTF-8 wherever that goes."""
    print_bytes([msgspec.json.format(json_bytes(answer), indent=2), b"\n"])


def print_bytes(pieces: Iterable[bytes]) -> None:
    """Standard output as it is, for what is made for other programs. Raises OSError."""
    sys.stdout.flush()
    for piece in pieces:
        with _named():
            sys.stdout.buffer.write(piece)


def json_bytes(answer: object, enc_hook: Callable[[object], object] = str) -> bytes:
    """JSON that a terminal may show: what acts on one is escaped. A name that is not UTF-8 becomes `printable`."""
    try:
        encoded = msgspec.json.encode(answer, enc_hook=enc_hook)
    except UnicodeEncodeError:
        encoded = msgspec.json.encode(_in_unicode(msgspec.to_builtins(answer, enc_hook=enc_hook)))
    text = encoded.decode()
    if text.isprintable():
        return encoded
    return "".join(each if each.isprintable() else _escaped(each) for each in text).encode()


def _escaped(character: str) -> str:
    return character if character in "\n " else json.dumps(character)[1:-1]


def _in_unicode(answer: object) -> object:
    """Plain data in which every text can be encoded."""
    if isinstance(answer, str):
        return answer if is_text(answer) else printable(answer)
    if isinstance(answer, dict):
        return {_in_unicode(name): _in_unicode(value) for name, value in answer.items()}
    if isinstance(answer, list | tuple):
        return [_in_unicode(each) for each in answer]
    return answer
