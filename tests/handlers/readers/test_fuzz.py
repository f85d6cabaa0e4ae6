"""Broken and hostile reports: no crash, no hang, no silent zero. `make soak` runs the full number."""

import json
import os
import time

import msgspec
import pytest

from handlers.cli.inspection import document
from handlers.readers import Limits, Reading, read_bytes
from tests.handlers.readers.corpus import MISSING, SHARED
from tests.handlers.readers.fuzz import mutants, seeds

SECONDS = 10.0
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason=MISSING)


def reports() -> list[bytes]:
    """The corpus's reports that are one JSON object and have findings."""
    if not SHARED.is_dir():
        return []
    objects = (each for each in seeds() if each.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"{") and _is_json(each))
    return [each for each in objects if read_bytes(each, Limits()).books.seen]


def _is_json(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content), dict)
    except ValueError:
        return False


def judge(reading: Reading) -> None:
    """What holds for every reading of anything."""
    assert reading.books.balanced
    assert reading.books.kept == len(reading.findings)
    if reading.status in ("quarantined", "not_a_report", "scan_failed"):
        assert reading.reason
    occurrences = sum(len(finding.occurrences) for finding in reading.findings)
    assert occurrences == reading.books.seen - reading.books.left_out
    msgspec.json.decode(b"".join(document(reading)))  # refuses NaN and infinities
    for finding in reading.findings:
        msgspec.convert(msgspec.to_builtins(finding), type(finding))


def run(count: int, seed: int) -> None:
    for content in mutants(count, seed):
        start = time.thread_time()
        try:
            judge(read_bytes(content, Limits()))
        except Exception as error:  # noqa: BLE001  # the fault is kept, whatever it is
            pytest.fail(f"{error!r} on {content[:200]!r} … ({len(content)} bytes)")
        assert time.thread_time() - start < SECONDS


def test_a_sample_of_broken_reports() -> None:
    run(600, seed=1)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_twenty_thousand_broken_reports() -> None:
    run(int(os.environ.get("SOAK_REPORTS", "20000")), seed=2)


@pytest.mark.parametrize("content", [pytest.param(each, id=str(number)) for number, each in enumerate(reports())])
def test_a_lost_list_of_findings_is_never_a_clean_scan(content: bytes) -> None:
    report = json.loads(content)
    for key in list(report):
        reading = read_bytes(
            json.dumps({name: value for name, value in report.items() if name != key}).encode(), Limits()
        )
        assert reading.books.seen or reading.skipped or reading.warnings or not reading.parsed, key
