"""One report through the public way in."""

from pathlib import Path

from handlers.readers import Limits, read_report

BANDIT = """{"errors": [], "metrics": {"_totals": {"loc": 3}}, "results": [
 {"test_id": "B303", "issue_text": "Use of MD5", "issue_severity": "MEDIUM", "filename": "./app/a.py",
  "line_number": 12, "line_range": [12, 13], "code": "12 hashlib.md5(x)\\n13 done()\\n", "issue_cwe": {"id": 327}},
 7]}"""


def test_a_report_becomes_findings_and_books(tmp_path: Path) -> None:
    file = tmp_path / "any.name"
    file.write_text(BANDIT)
    reading = read_report(file, Limits())
    (found,) = reading.findings
    assert (reading.status, reading.tool, reading.format) == ("parsed_with_warnings", "bandit", "bandit")
    assert (reading.books.seen, reading.books.kept, reading.books.balanced) == (1, 1, True)
    assert reading.skipped == {"malformed": 1}
    assert reading.warnings == ("/results/1 is no object",)
    assert (found.severity, found.severity_raw, found.cwes) == ("medium", "MEDIUM", ("CWE-327",))
    assert (found.locations[0].line, found.locations[0].end_line, found.pointer) == (12, 13, "/results/0")


def test_a_fingerprint_survives_moved_lines(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    first.write_text(BANDIT)
    second.write_text(BANDIT.replace("12", "40").replace("13", "41"))
    assert read_report(first, Limits()).findings[0].fingerprint == read_report(second, Limits()).findings[0].fingerprint


def test_a_report_none_of_whose_records_can_be_read_is_refused(tmp_path: Path) -> None:
    report = tmp_path / "bandit.json"
    report.write_text('{"errors": [], "metrics": {"_totals": {}}, "results": ["torn", 7]}')
    reading = read_report(report, Limits())
    assert reading.status == "quarantined"
    assert reading.reason == "none of its 2 records can be read"
