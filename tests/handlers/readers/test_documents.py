"""From bytes to documents: encodings, JSON that is none, XML that bites, CSV."""

import codecs
import json

import pytest

from handlers.readers import Limits, Reading, read_bytes
from handlers.readers.documents import parse
from handlers.readers.interface import Ledger, MalformedError
from tests.handlers.readers.test_sarif_fast import log

REPORT = json.dumps(log({"ruleId": "R1", "message": {"text": "naïve \U0001f600"}}), ensure_ascii=False)


def read(content: bytes, limits: Limits | None = None) -> Reading:
    return read_bytes(content, limits or Limits())


@pytest.mark.parametrize(
    "content",
    [
        REPORT.encode(),
        codecs.BOM_UTF8 + REPORT.encode(),
        codecs.BOM_UTF16_LE + REPORT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + REPORT.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + REPORT.encode("utf-32-le"),
        REPORT.encode("utf-16-le"),
        REPORT.encode("utf-16-be"),
    ],
)
def test_encodings(content: bytes) -> None:
    (found,) = read(content).findings
    assert found.description == "naïve \U0001f600"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b'{"a": 1', "not valid JSON"),
        (b'{"a": "\x00"}', "NUL"),
        (b'"text"', "no scanner's format"),
        (b"{}", "no scanner's format"),
        (b'{"message": "Not Found", "status": "404"}', ""),
        (b"[" * 5_000 + b"]" * 5_000, "nested more than"),
        (b'{"a": 1, "a": 2}', "comes twice"),
        (b"<a><b></a>", "not well-formed XML"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "entities"),
        (b"<a>" * 300 + b"</a>" * 300, "nested more than"),
        (b"{} trailing", "after document 1"),
        (b"Scanning the project ... done", "no scanner's format"),
        (codecs.BOM_UTF8 + b"\xff\xff{}", "not utf-8-sig"),
    ],
)
def test_what_can_not_be_read_says_why(content: bytes, reason: str) -> None:
    reading = read(content)
    assert reading.status == "quarantined"
    assert reason in (reading.reason or "")


def test_a_depth_limit_of_ones_own() -> None:
    assert read(REPORT.encode()).parsed
    assert "max_depth" in (read(REPORT.encode(), Limits(max_depth=3)).reason or "")


@pytest.mark.parametrize("content", [b"# Report\n", b"<!doctype html><p>", b"\x89PNG\r\n\x1a\n", b"%PDF-1.7"])
def test_pages_and_pictures_are_no_reports(content: bytes) -> None:
    reading = read(content)
    assert reading.status == "not_a_report"
    assert reading.reason


def test_harmless_oddities_are_read_and_told() -> None:
    text = '{"version": "2.1.0", "version": "2.1.0", "runs": [{"tool": {"driver": {}}, "results": [], "x": NaN}]}'
    reading = read(text.encode())
    assert reading.status == "parsed_with_warnings"
    assert len(reading.warnings) == 3


def test_half_a_surrogate_pair_does_not_get_out() -> None:
    (found,) = read(json.dumps(log({"ruleId": "R1", "message": {"text": "a\ud800b"}})).encode()).findings
    assert found.description == "a?b"


def test_a_key_that_comes_twice_with_an_explanation_is_kept_short() -> None:
    """As Checkmarx One's command line writes it; anything else that differs goes to quarantine."""
    ledger = Ledger("")
    content = '{"id": "ae9c", "id": "ae9c [Taken from query_id]"}'
    assert parse(content, 10, ledger)[1].value == {"id": "ae9c"}
    assert ledger.told()
    for other in ('"ae9cd"', '" [x]"', "1", '["ae9c"]'):
        with pytest.raises(MalformedError, match="comes twice"):
            parse(f'{{"id": "ae9c", "id": {other}}}', 10, Ledger(""))


def test_time_is_limited() -> None:
    results = [{"ruleId": f"R{number}", "message": {"text": "m"}} for number in range(1_100)]
    reading = read(json.dumps(log(*results)).encode(), Limits(max_seconds=1e-9))
    assert reading.status == "quarantined"
    assert "limits.max_seconds" in (reading.reason or "")


HEADER = "title,severity,path,line\n"


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ("SQL injection,high,app.py,3\nXSS,low,view, page.py,7\n", 3),  # an unquoted comma
        ("XSS,low\nSQL injection,high,app.py,3\n", 2),  # cut off
    ],
)
def test_a_row_of_another_width_than_its_header_is_counted_and_named(rows: str, line: int) -> None:
    reading = read((HEADER + rows).encode())
    assert reading.status == "parsed_with_warnings"
    assert reading.books.seen == 1
    assert reading.skipped == {"malformed": 1}
    assert any(warning.startswith(f"line {line} has ") for warning in reading.warnings)


def test_empty_cells_behind_the_last_column_are_no_fault() -> None:
    reading = read((HEADER + "XSS,low,view.py,7,,\n").encode())
    assert (reading.status, reading.books.seen) == ("parsed", 1)


def test_a_table_of_misfits_only_is_refused() -> None:
    assert read((HEADER + "XSS,low\nXXE,high\n").encode()).status == "quarantined"


def test_a_comment_before_the_xml_declaration_is_told() -> None:
    report = '<checkstyle><file name="A.java"><error severity="error" message="m" source="r"/></file></checkstyle>'
    reading = read(f'<!-- licence -->\n\n<?xml version="1.0" encoding="UTF-8"?>\n{report}'.encode())
    assert reading.books.seen == 1
    assert any("before the XML declaration" in warning for warning in reading.warnings)


def test_an_attribute_does_not_hide_the_elements_of_its_name() -> None:
    report = """<detailedreport><severity level="5"/><software_composition_analysis><vulnerable_components>
    <component library="a" version="1" vulnerabilities="1"><vulnerabilities><vulnerability cve_id="CVE-2020-1234"/>
    </vulnerabilities></component></vulnerable_components></software_composition_analysis></detailedreport>"""
    assert read(report.encode()).books.seen == 1
