"""The whole corpus: every record counted, every file claimed by one reader, whatever it is called."""

import time
from pathlib import Path
from typing import Any

import pytest

from handlers.readers import Limits, Reading, read_bytes, read_report
from handlers.readers.documents import parse
from handlers.readers.encoding import decode
from handlers.readers.interface import Ledger
from handlers.readers.registry import claimants
from tests.handlers.readers.corpus import SHARED, files

SECONDS = 10.0
"""Of the processor; the slowest takes a thirtieth of it."""


@pytest.mark.parametrize("entry", files("artifacts"))
def test_every_record_is_counted(entry: dict[str, Any]) -> None:
    reading = read_report(SHARED / entry["file"], Limits())
    expected = entry["expected"]["count"]
    if entry["tier"] == "core":
        assert reading.parsed, reading.reason
        assert reading.books.seen == expected
    elif not reading.parsed:
        assert reading.reason
    assert reading.books.balanced
    assert reading.books.kept == len(reading.findings)
    assert sum(len(finding.occurrences) for finding in reading.findings) == reading.books.seen - reading.books.left_out
    assert len({finding.fingerprint for finding in reading.findings}) == len(reading.findings)


@pytest.mark.parametrize("entry", files("artifacts"))
def test_exactly_one_reader_claims_a_report(entry: dict[str, Any]) -> None:
    content = (SHARED / entry["file"]).read_bytes()
    if entry["format"] in ("zip", "html", "md"):
        pytest.skip("an archive or a page")
    kind, document = parse(decode(content, Ledger("")), Limits().max_depth, Ledger(""))
    if document.value in (None, []):
        pytest.skip("an empty report has no owner")
    assert len(claimants(kind, document)) == (1 if entry["tier"] == "core" else len(claimants(kind, document)[:1]))


@pytest.mark.parametrize("entry", files("artifacts"))
def test_a_name_says_nothing(entry: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "report.png"
    file.write_bytes((SHARED / entry["file"]).read_bytes())
    assert read_report(file, Limits()) == read_bytes(file.read_bytes(), Limits())


OUTCOMES = {
    "quarantine": lambda reading, count: reading.status == "quarantined" and reading.reason,
    "findings": lambda reading, count: reading.status.startswith("parsed") and reading.books.seen == count,
    "findings_with_warning": lambda reading, count: (
        reading.status in ("parsed_with_warnings", "scan_failed") and count in (None, reading.books.seen)
    ),
    "either": lambda reading, count: (
        (reading.status == "quarantined" and reading.reason) or (reading.parsed and count in (None, reading.books.seen))
    ),
}


@pytest.mark.parametrize("entry", files("bad"))
def test_a_bad_file_ends_as_its_manifest_says(entry: dict[str, Any]) -> None:
    start = time.thread_time()  # of the processor: a busy machine makes no file a slow one
    reading: Reading = read_report(SHARED / entry["file"], Limits())
    assert time.thread_time() - start < SECONDS
    assert OUTCOMES[entry["outcome"]](reading, entry["count"]), (reading.status, reading.reason, reading.books)
    assert "root:" not in repr(reading)
