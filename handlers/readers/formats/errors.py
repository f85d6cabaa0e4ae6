"""Answers of programs and services that are no report but say why there is none: npm's ENOAUDIT, an API's 404.

They go to quarantine with their own message, never through as a clean scan.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, MalformedError, Problem, reads
from handlers.readers.node import Node

MARKS = ("error", "errors", "documentation_url", "statusCode", "status", "code")
NO_ERROR: tuple[object, ...] = (None, 0, "0", "", [], {})
"""Values of a mark that tell of none: some services answer `"error": 0`."""
MESSAGES = (
    "error.summary",
    "error.message",
    "error.detail",
    "error.title",
    "error",
    "message",
    "msg",
    "detail",
    "title",
)
CODES = ("error.code", "error.status", "code", "statusCode", "status")


def claims(report: Node) -> bool:
    """A small object that has an error's message and no list that could be findings."""
    if not report.is_object or len(report.value) > 12 or all(report[mark].value in NO_ERROR for mark in MARKS):
        return False
    lists = [key for key, value in report.fields() if value.is_list and value and key != "errors"]
    return not lists and _said(report, MESSAGES) is not None


@reads("error-document", claims, last_resort=True)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    code, message = _said(report, CODES), _said(report, MESSAGES) or ""
    raise MalformedError(f"no report but an error: {message if not code or code in message else f'{code}: {message}'}")
    yield  # a reader is a generator


def _said(report: Node, paths: tuple[str, ...]) -> str | None:
    """By the document itself, or by the first of its `errors`."""
    first = next(iter(report.items("errors")), Node(None))
    return report.text(*paths) or first.text(*paths) or (first.text() if paths is MESSAGES else None)
