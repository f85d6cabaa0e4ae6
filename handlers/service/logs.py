"""Logs: text for people, or JSON lines; on standard error, and under `watch` in files that rotate."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import sys
import traceback
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

from config.settings import Log
from handlers.terminal import json_bytes
from watcher.files import make_folder
from watcher.shown import harmless, printable

FILE = "scantune.log"
TALKATIVE = ("httpx2", "httpcore2", "huggingface_hub", "keyring", "watchdog", "matplotlib")
"""At the levels below they tell presigned links and headers with tokens, or every single event."""
TEXT = "%(asctime)s %(levelname)s %(message)s"


class Plain(logging.Formatter):
    """Text in which no message is more than a line, and nothing acts on a terminal, whatever the message quotes."""

    def format(self, record: logging.LogRecord) -> str:
        return harmless(super().format(record))  # a traceback keeps its lines

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is that of logging
        return printable(super().formatMessage(record))


class ForPeople(Plain):
    """The message alone, with its level in front if it is more than news: a person sees when it comes."""

    def format(self, record: logging.LogRecord) -> str:
        said = super().format(record)
        return f"{record.levelname.lower()}: {said}" if record.levelno >= logging.WARNING else said


class JsonLines(logging.Formatter):
    """One JSON object a line: `time` (UTC, ISO 8601), `level`, `logger`, `message`, and `error` with a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            said["error"] = "".join(traceback.format_exception(*record.exc_info))
        return json_bytes(said).decode()


class Rotating(logging.handlers.RotatingFileHandler):
    """Whose disk may be full: lines are missing then, and neither a traceback for each of them nor the program's end.

    Standard error has them too, and `status` tells that the disk is full.
    """

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is that of logging
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            super().close()


def start(wanted: Log) -> None:
    """Logs to standard error, as the settings say."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if wanted.format == "json" else ForPeople())
    logging.basicConfig(handlers=[handler], level=wanted.level.upper())
    quiet()


def quiet() -> None:
    """Keeps libraries from telling what is nobody's business; whoever speaks to the Hub calls it too."""
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def also_to_file(folder: Path, wanted: Log) -> logging.Handler:
    """Adds a log file that is renamed to `.1`, `.2`, … when it has `log.max_bytes`; `log.keep` of them are kept."""
    file = make_folder(folder) / FILE
    handler = Rotating(file, maxBytes=wanted.max_bytes, backupCount=wanted.keep, encoding="utf-8", delay=True)
    handler.setFormatter(JsonLines() if wanted.format == "json" else Plain(TEXT))
    logging.getLogger().addHandler(handler)
    return handler


def only_to_files() -> None:
    """Takes standard error out of the logging."""
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
            root.removeHandler(handler)


def tail(folder: Path, count: int) -> list[str]:
    """The last lines of the log, over the last rotation; then what the program said outside of it."""
    lines: deque[str] = deque(maxlen=count)
    for name in (f"{FILE}.1", FILE):
        with contextlib.suppress(FileNotFoundError):  # none yet, or renamed just now
            lines.extend((folder / name).read_text(encoding="utf-8", errors="replace").splitlines())
    return list(lines)
