"""Every format of this folder on a small report: who reads it, what it says, what is left of a damaged one."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.readers import Limits, Reading, read_bytes, read_report
from handlers.readers.documents import parse
from handlers.readers.encoding import decode
from handlers.readers.interface import Ledger
from handlers.readers.registry import claimants, readers
from handlers.readers.shapes import plain
from handlers.records import Finding, Location

HERE = Path(__file__).parent
EXAMPLES = HERE / "examples"
FILES = sorted(EXAMPLES.iterdir())
EXPECTED: dict[str, Any] = json.loads((HERE / "expected.json").read_text("utf-8"))
"""By example: format, tool, version, what is skipped, and for each finding class (with `!` if it is suppressed),
severity, rule, place, line, ids, CWEs and package, as a person reads the file."""
ELSEWHERE = ("sarif", "trivy", "osv-scanner", "semgrep", "checkov", "gitleaks", "zap", "error-document")
"""How the names of formats begin that the tests of the folder above read."""


def read(name: str) -> Reading:
    return read_report(EXAMPLES / name, Limits())


def said(reading: Reading) -> dict[str, Any]:
    head = {"format": reading.format, "tool": reading.tool, "version": reading.tool_version, "skipped": reading.skipped}
    return {"head": head, "findings": [row(finding) for finding in reading.findings]}


def row(finding: Finding) -> list[Any]:
    place = finding.locations[0] if finding.locations else Location()
    part = finding.package
    return [
        finding.class_ + "!" * finding.suppressed,
        finding.severity,
        finding.rule_id,
        place.path or place.url or place.symbol,
        place.line,
        " ".join(finding.ids),
        " ".join(finding.cwes),
        f"{part.ecosystem}:{part.name}@{part.version} {' '.join(part.fixed_versions)}".strip() if part else None,
    ]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_report_is_read_as_it_says(name: str) -> None:
    reading, expected = read(name), dict(EXPECTED[name])
    assert reading.parsed, reading.reason
    findings = expected.pop("findings")
    assert said(reading) == {"head": expected, "findings": findings}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_its_books_balance(name: str) -> None:
    reading = read(name)
    assert reading.books.balanced
    assert reading.books.kept == len(reading.findings)
    assert sum(len(each.occurrences) for each in reading.findings) == reading.books.seen - reading.books.left_out
    assert len({each.fingerprint for each in reading.findings}) == len(reading.findings)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_exactly_one_reader_claims_it(file: Path) -> None:
    kind, document = parse(decode(file.read_bytes(), Ledger("")), Limits().max_depth, Ledger(""))
    assert len(claimants(kind, document)) == 1


def test_every_format_has_an_example() -> None:
    shown = {each["format"] for each in EXPECTED.values()}
    assert not [each.name for each in readers() if each.name not in shown and not each.name.startswith(ELSEWHERE)]
    assert {file.name for file in FILES} == set(EXPECTED) | {"npm_error.json"}


def test_every_format_is_in_the_documentation() -> None:
    named = set(re.findall(r"`([a-z0-9-]+)`", (HERE.parents[3] / "docs" / "formats.md").read_text("utf-8")))
    formats = {each.name for each in readers()} - {"error-document"}
    assert formats - named == set()
    assert named - formats <= {"suppressed"}


def test_a_found_secret_is_nowhere_in_what_is_kept() -> None:
    for file in FILES:
        kept = repr(read_report(file, Limits()))
        for secret in ("not-a-real-key", "hunter22", "secret-session", "sk_live"):
            assert secret not in kept, file.name


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("npm_audit_6.json", "advisories"),
        ("npm_audit_7.json", "vulnerabilities"),
        ("cargo_audit.json", "vulnerabilities.list"),
        ("kics.json", "queries"),
        ("nancy.json", "vulnerable"),
        ("jfrog_xray.json", "rows"),
    ],
)
def test_an_empty_list_below_a_count_is_no_clean_report(name: str, path: str) -> None:
    document = json.loads((EXAMPLES / name).read_text())
    above, _, last = path.rpartition(".")
    part = document[above] if above else document
    part[last] = type(part[last])()
    reading = read_bytes(json.dumps(document).encode(), Limits())
    assert reading.books.seen == 0
    assert any("counts" in warning for warning in reading.warnings)


@pytest.mark.parametrize(
    "report",
    [
        "<ScanGroup><Other/></ScanGroup>",
        "<NessusClientData_v2><Policy/></NessusClientData_v2>",
        "<FVDL><Build/></FVDL>",
        "<ReportDefinition/>",
        '<results version="2"><cppcheck version="2.1"/></results>',
        "<report><report_infos/></report>",
        '<xml-report name="AppScan Report"/>',
        '<document title="SSLyze Scan Results"/>',
        "<detailedreport/>",
        "<ASSET_DATA_REPORT/>",
        '<document title="SSLScan Results"/>',
    ],
)
def test_xml_without_what_every_report_has_is_no_clean_report(report: str) -> None:
    reading = read_bytes(report.encode(), Limits())
    assert reading.books.seen == 0
    assert any("no statement that nothing was found" in warning for warning in reading.warnings)


@pytest.mark.parametrize(
    ("report", "format_", "seen"),
    [
        ({"passed": 0, "failed": 0, "skipped": 0, "parsingerrors": 0, "resourcecount": 0, "checkov_version": "2.1"},
         "checkov", 0),
        ({"results": [{"rule_id": "AWS001", "description": "d", "location": {"filename": "a.tf", "start_line": 1}}]},
         "tfsec", 1),
        ({"imageDigest": "sha256:1", "vulnerabilities": [], "vulnerability_type": "os"}, "anchore", 0),
        ({"generated_at": "x", "scanner": {"name": "Trivy"}, "vulnerabilities": [{"id": "CVE-2020-1"}]}, "harbor", 1),
        ([{"apiVersion": "aquasecurity.github.io/v1alpha1", "kind": "ClusterComplianceReport", "status": {
            "summaryReport": {"controlCheck": [{"id": "4.2.9", "totalFail": 0}, {"id": "4.2.10", "totalFail": 3}]}}}],
         "trivy-operator", 1),
    ],
)  # fmt: skip
def test_other_shapes_of_known_formats(report: Any, format_: str, seen: int) -> None:
    reading = read_bytes(json.dumps(report).encode(), Limits())
    assert (reading.format, reading.books.seen) == (format_, seen)


def test_html_that_the_parser_refuses_keeps_its_words() -> None:
    assert plain("<p>Read <![CDAst [this]]> first</p>") == "Read   first"


def test_old_errors_of_cppcheck_lie_below_the_root() -> None:
    """With the file as an attribute in version 1, with a location in early reports of version 2."""
    first = '<results><error file="a.c" line="3" id="nullPointer" severity="error" msg="Null pointer"/></results>'
    second = (
        first.replace("<results>", '<results version="2"><cppcheck version="1.52"/>')
        .replace('file="a.c" line="3" ', "")
        .replace("/></results>", '><location file="a.c" line="3"/></error></results>')
    )
    for report in (first, second):
        (finding,) = read_bytes(report.encode(), Limits()).findings
        assert (finding.rule_id, finding.locations) == ("nullPointer", (Location(path="a.c", line=3),))


def test_a_scan_that_was_given_up_is_no_clean_one() -> None:
    reading = read_bytes(b'{"target_url": "https://x.example", "scan_aborted": "it seems to be down"}', Limits())
    assert (reading.status, reading.format) == ("scan_failed", "wpscan")


def test_requests_in_junit_reports_are_not_kept() -> None:
    text = "Severity: High\n\nIssue Detail\nEchoed.\n\nEvidence\nRequest:\nGET / HTTP/1.1\nCookie: hunter22\n"
    case = f'<testcase name="XSS"><failure message="XSS" type="High">{text}</failure></testcase>'
    report = f'<testsuites name="Dastardly scan results"><testsuite name="https://x.example/">{case}</testsuite></testsuites>'
    (finding,) = read_bytes(report.encode(), Limits()).findings
    assert (finding.severity, finding.class_) == ("high", "dast")
    assert "hunter22" not in repr(finding)


@pytest.mark.parametrize("report", [{"results": []}, {"issues": []}, {"leaks": [], "errors": []}])
def test_empty_lists_alone_are_zero_findings_of_an_unknown_tool(report: dict[str, Any]) -> None:
    reading = read_bytes(json.dumps(report).encode(), Limits())
    assert (reading.status, reading.tool, reading.books.seen) == ("parsed_with_warnings", "unknown", 0)
    assert any("can't be told" in warning for warning in reading.warnings)


@pytest.mark.parametrize("report", [{}, {"errors": []}, {"results": [1]}, {"results": [], "more": 1}])
def test_what_is_not_just_empty_lists_is_no_clean_scan(report: dict[str, Any]) -> None:
    assert read_bytes(json.dumps(report).encode(), Limits()).status == "quarantined"


def test_a_report_of_unit_tests_is_no_scan() -> None:
    report = '<testsuite name="unit"><testcase name="adds"><failure>1 != 2</failure></testcase></testsuite>'
    assert read_bytes(report.encode(), Limits()).status == "quarantined"


def test_a_hard_coded_password_is_not_quoted() -> None:
    """Neither as code nor in the scanner's message."""
    document = json.loads((EXAMPLES / "bandit.json").read_text())
    document["results"][0] |= {
        "code": "3 password = 'not-a-real-key-0012'\n",
        "issue_cwe": {"id": 259},
        "issue_text": "Possible hardcoded password: 'not-a-real-key-0012'",
    }
    finding = read_bytes(json.dumps(document).encode(), Limits()).findings[0]
    assert "not-a-real-key" not in repr(finding)
    assert finding.snippet is None


def test_an_error_for_a_report_goes_to_quarantine_with_its_own_words() -> None:
    reading = read("npm_error.json")
    assert reading.status == "quarantined"
    assert "405 Method Not Allowed" in (reading.reason or "")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"error": {"code": "ENOAUDIT", "summary": "no audit here"}}, "ENOAUDIT: no audit here"),
        ({"message": "Not Found", "documentation_url": "https://docs.example", "status": "404"}, "404: Not Found"),
        ({"errors": [{"status": "401", "detail": "no token"}]}, "401: no token"),
        ({"ok": False, "error": "Missing node_modules", "path": "/srv"}, "Missing node_modules"),
    ],
)
def test_errors_of_services_are_told(document: dict[str, Any], words: str) -> None:
    reading = read_bytes(json.dumps(document).encode(), Limits())
    assert reading.status == "quarantined"
    assert words in (reading.reason or "")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("file", [file for file in FILES if file.suffix != ".xml"], ids=lambda file: file.name)
def test_the_encoding_changes_nothing(file: Path, encoding: str) -> None:
    again = read_bytes(file.read_text("utf-8").encode(encoding), Limits())
    assert again.findings == read_report(file, Limits()).findings


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.suffix in (".json", ".xml")], ids=lambda file: file.name
)
def test_a_truncated_report_is_refused(file: Path) -> None:
    content = file.read_bytes()
    assert read_bytes(content[: len(content) * 2 // 3], Limits()).status == "quarantined"


def lists_of_records(value: Any) -> list[list[Any]]:
    """Every list of objects in a document."""
    inner = value if isinstance(value, list) else value.values() if isinstance(value, dict) else []
    below = [found for each in inner for found in lists_of_records(each)]
    return ([value] if isinstance(value, list) and any(isinstance(each, dict) for each in value) else []) + below


JSON = [file for file in FILES if file.suffix == ".json" and file.name not in ("govulncheck.json", "npm_error.json")]


@pytest.mark.parametrize("file", JSON, ids=lambda file: file.name)
def test_a_record_that_is_no_object_is_counted(file: Path) -> None:
    """Junk beside the records of any list never makes the others vanish."""
    whole = read_report(file, Limits()).books.seen
    count = len(lists_of_records(json.loads(file.read_text())))
    for number in range(count):
        document = json.loads(file.read_text())
        lists_of_records(document)[number].insert(0, "junk")
        reading = read_bytes(json.dumps(document).encode(), Limits())
        assert reading.status == "quarantined" or reading.books.seen >= whole, number


leaves = st.sampled_from(
    [None, True, -1, 0, 2**70, 1.5, "", "x", [], {}, [1], {"x": 1}, [[]], "\ud800", "CWE-79", "<b>"]
)


def damage(value: Any, data: st.DataObject) -> Any:
    """The value with one thing in it, chosen by Hypothesis, replaced by something of another kind."""
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(value)))
        return {**value, key: damage(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(value) - 1))
        return [*value[:at], damage(value[at], data), *value[at + 1 :]]
    return data.draw(leaves)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(JSON), st.data())
def test_a_damaged_report_is_read_or_refused(file: Path, data: st.DataObject) -> None:
    document = json.loads(file.read_text())
    for _ in range(data.draw(st.integers(1, 3))):
        document = damage(document, data)
    reading = read_bytes(json.dumps(document).encode(), Limits())
    assert reading.books.balanced
    assert reading.books.kept == len(reading.findings)
    assert reading.parsed or reading.reason
