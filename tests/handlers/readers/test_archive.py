"""Zips and gzip, honest and hostile, within the limits."""

import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from handlers.readers import Limits, Reading, read_bytes
from tests.handlers.readers.test_sarif_fast import log

EXAMPLES = Path(__file__).parent / "formats" / "examples"
RESULT = {
    "ruleId": "R1",
    "message": {"text": "m"},
    "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a"}}}],
}
REPORT = json.dumps(log(RESULT)).encode()


def packed(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return content.getvalue()


def read(content: bytes, **limits: Any) -> Reading:
    reading = read_bytes(content, Limits(**limits))
    assert reading.books.balanced
    return reading


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_members_are_read_and_named(method: int) -> None:
    reading = read(packed(("in/a.sarif", REPORT), method=method))
    (found,) = reading.findings
    assert found.member == "in/a.sarif"
    assert found.occurrences[0].member == "in/a.sarif"
    assert reading.status == "parsed"


def test_the_same_report_twice_is_one_problem_with_two_occurrences() -> None:
    reading = read(packed(("a", REPORT), ("b", REPORT)))
    (found,) = reading.findings
    assert [each.member for each in found.occurrences] == ["a", "b"]
    assert (reading.books.seen, reading.books.kept, reading.books.merged) == (2, 1, 1)
    assert reading.members is not None
    assert [member.books.kept for member in reading.members] == [1, 1]


def test_an_unpackable_method_is_named() -> None:
    reading = read(packed(("a", REPORT), method=zipfile.ZIP_LZMA))
    assert reading.status == "quarantined"
    assert "method 14" in (reading.reason or "")


def test_archives_in_archives_to_a_depth() -> None:
    twice = packed(("in.zip", packed(("a.sarif", REPORT))))
    assert read(twice).findings
    reading = read(twice, max_zip_depth=1)
    assert reading.status == "quarantined"
    assert "max_zip_depth" in (reading.reason or "")


@pytest.mark.parametrize("name", ["../a", "/a", "..\\a", "C:\\a", "x/../../a"])
def test_a_name_that_leads_out_is_refused_and_the_rest_read(name: str) -> None:
    content = packed((name, REPORT), ("good", REPORT))
    reading = read(content)
    assert reading.books.seen == 1
    assert reading.status == "parsed_with_warnings"
    assert any("leads out" in warning for warning in reading.warnings)


def test_hostile_names_stay_on_one_line() -> None:
    reading = read(packed(("a\nb\u202ec\x1b[31m", REPORT)))
    assert reading.members is not None
    assert reading.members[0].path == "a\\nb\\u202ec\\x1b[31m"


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_a_bomb_is_stopped_by_its_ratio(method: int) -> None:
    reading = read(packed(("a", b" " * 40_000_000), method=method))
    assert reading.status == "quarantined"
    assert "limits.max_ratio" in (reading.reason or "")


def test_limits_on_size_and_number() -> None:
    assert "max_expanded_bytes" in (read(packed(("a", REPORT)), max_expanded_bytes=10).reason or "")
    assert "max_members" in (read(packed(("a", REPORT), ("b", REPORT)), max_members=1).reason or "")
    assert "max_expanded_bytes" in (read(gzip.compress(REPORT), max_expanded_bytes=10).reason or "")


def test_a_damaged_member_does_not_hide_the_others() -> None:
    content = bytearray(packed(("bad", REPORT), ("good", REPORT), method=zipfile.ZIP_STORED))
    content[content.index(b"R1")] ^= 1
    reading = read(bytes(content))
    assert reading.books.seen == 1
    assert reading.members is not None
    assert [member.status for member in reading.members] == ["quarantined", "parsed"]


def test_gzip_is_looked_through() -> None:
    assert read(gzip.compress(REPORT)).books.seen == 1
    assert "cut off" in (read(gzip.compress(REPORT)[:-20]).reason or "")


def test_a_member_without_a_name_is_read_like_any_other() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        info = zipfile.ZipInfo("x")
        info.filename = ""
        with archive.open(info, "w") as member:
            member.write(REPORT)
    assert read(content.getvalue()).books.seen == 1


def test_an_empty_zip_has_a_reason() -> None:
    assert read(packed()).reason == "the archive holds no files"


def test_a_fortify_project_is_read_by_its_report_alone() -> None:
    report = (EXAMPLES / "fortify_fvdl.xml").read_bytes()
    parts = (("VERSION", b"5.12"), ("audit.xml", b"<Audit/>"), ("src-archive/a.java", b"class A {}"))
    reading = read(packed(("audit.fvdl", report), *parts))
    assert (reading.status, reading.books.seen) == ("parsed", 1)


def test_what_does_not_belong_to_a_fortify_project_is_not_passed_over() -> None:
    report = (EXAMPLES / "fortify_fvdl.xml").read_bytes()
    reading = read(packed(("audit.fvdl", report), ("other.sarif", REPORT)))
    assert reading.books.seen == 2
