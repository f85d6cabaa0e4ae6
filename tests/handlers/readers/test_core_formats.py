"""The formats that everybody has, on small reports of our own."""

import json
from typing import Any

import pytest

from handlers.readers import Limits, Reading, read_bytes
from handlers.records import Finding


def read(report: Any) -> Reading:
    content = report if isinstance(report, str) else json.dumps(report)
    reading = read_bytes(content.encode(), Limits())
    assert reading.parsed, reading.reason
    assert reading.books.balanced
    return reading


def only(reading: Reading) -> Finding:
    (found,) = reading.findings
    return found


TRIVY = {
    "SchemaVersion": 2,
    "ArtifactName": "app",
    "Trivy": {"Version": "0.65.0"},
    "Results": [
        {
            "Target": "package-lock.json",
            "Class": "lang-pkgs",
            "Type": "npm",
            "Vulnerabilities": [
                {
                    "VulnerabilityID": "CVE-2021-23337",
                    "PkgName": "lodash",
                    "InstalledVersion": "4.17.4",
                    "FixedVersion": "4.17.21, 5.0.0",
                    "Severity": "HIGH",
                    "SeveritySource": "ghsa",
                    "CweIDs": ["CWE-94"],
                    "CVSS": {"ghsa": {"V3Score": 7.2, "V3Vector": "CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H"}},
                }
            ],
        },
        {
            "Target": "Dockerfile",
            "Class": "config",
            "Type": "dockerfile",
            "Misconfigurations": [
                {"ID": "DS002", "AVDID": "AVD-DS-0002", "Title": "root", "Severity": "HIGH", "Status": "FAIL",
                 "CauseMetadata": {"StartLine": 3, "EndLine": 4}},
                {"ID": "DS001", "Title": "fine", "Severity": "LOW", "Status": "PASS"},
            ],
        },
        {
            "Target": "config.py",
            "Class": "secret",
            "Secrets": [{"RuleID": "aws", "Title": "AWS key AKIAXYZXYZ", "Severity": "CRITICAL", "StartLine": 7,
                         "Match": "AKIAXYZXYZ"}],
        },
        {"Target": "OS", "Class": "license", "Licenses": [{"Name": "GPL-3.0", "Severity": "HIGH", "PkgName": "x"}]},
    ],
}  # fmt: skip


def test_trivy_of_every_scan_type() -> None:
    reading = read(TRIVY)
    flaw, check, secret, licence = reading.findings
    assert [each.class_ for each in reading.findings] == ["vulnerability", "misconfiguration", "secret", "licence"]
    assert reading.skipped == {"passed": 1}
    assert (flaw.ids, flaw.cwes, flaw.severity, flaw.cvss_score) == (("CVE-2021-23337",), ("CWE-94",), "high", 7.2)
    assert flaw.package
    assert flaw.package.purl == "pkg:npm/lodash@4.17.4"
    assert flaw.package.fixed_versions == ("4.17.21", "5.0.0")
    assert (check.rule_id, check.locations[0].line, check.locations[0].end_line) == ("AVD-DS-0002", 3, 4)
    assert "AKIAXYZXYZ" not in repr(secret)
    assert licence.package
    assert licence.package.name == "x"


def test_trivy_before_schema_2_and_of_clusters() -> None:
    assert read(TRIVY["Results"]).books.seen == 4
    assert read({"ClusterName": "c", "Resources": [{"Kind": "Pod", "Results": TRIVY["Results"]}]}).books.seen == 4


def test_trivy_without_results_says_nothing() -> None:
    reading = read({"SchemaVersion": 2, "ArtifactName": "app"})
    assert reading.status == "parsed_with_warnings"


def test_osv_scanner() -> None:
    vulnerability = {
        "id": "GHSA-35jh-r3h4-6jhm",
        "aliases": ["CVE-2021-23337"],
        "summary": "Command injection in lodash",
        "database_specific": {"cwe_ids": ["CWE-77"], "severity": "HIGH"},
        "affected": [{"package": {"name": "lodash"}, "ranges": [{"type": "SEMVER", "events": [{"fixed": "4.17.21"}]}]}],
    }
    package = {
        "package": {"name": "lodash", "version": "4.17.4", "ecosystem": "npm"},
        "vulnerabilities": [vulnerability],
        "groups": [{"ids": ["GHSA-35jh-r3h4-6jhm"], "max_severity": "7.2"}],
    }
    found = only(read({"results": [{"source": {"path": "/src/package-lock.json"}, "packages": [package]}]}))
    assert (found.severity, found.severity_raw, found.cwes) == ("high", "7.2", ("CWE-77",))
    assert found.advisory == "CVE-2021-23337"
    assert found.package
    assert found.package.fixed_versions == ("4.17.21",)


def test_semgrep() -> None:
    record = {
        "check_id": "python.lang.eval-detected",
        "path": "a.py",
        "start": {"line": 3, "col": 5},
        "end": {"line": 3, "col": 9},
        "extra": {
            "message": "eval",
            "severity": "ERROR",
            "lines": "requires login",
            "metadata": {"cwe": ["CWE-95: x"]},
        },
    }
    found = only(read({"results": [record], "errors": [], "paths": {}, "version": "1.99.0"}))
    assert (found.severity, found.cwes, found.snippet, found.title) == ("high", ("CWE-95",), None, "eval detected")
    assert (found.tool_version, found.locations[0].column) == ("1.99.0", 5)


@pytest.mark.parametrize("several", [False, True])
def test_checkov(several: bool) -> None:
    failed = {"check_id": "CKV_AWS_1", "file_path": "/m.tf", "file_line_range": [2, 5], "resource": "r",
              "code_block": [[2, "resource {\n"], [3, "}\n"]]}  # fmt: skip
    report = {
        "check_type": "terraform",
        "results": {"passed_checks": [{}, {}], "failed_checks": [failed], "skipped_checks": [{}]},
        "summary": {"checkov_version": "3.2.470"},
    }
    reading = read(
        [report, {**report, "check_type": "secrets", "results": {"failed_checks": []}}] if several else report
    )
    found = only(reading)
    assert (found.class_, found.locations[0].line, found.locations[0].end_line) == ("misconfiguration", 2, 5)
    assert found.locations[0].symbol == "r"
    assert reading.skipped == {"passed": 2, "skipped by a comment or an option": 1}


@pytest.mark.parametrize(
    "record",
    [
        {"RuleID": "key", "Description": "Key", "File": "a", "StartLine": 4, "Match": "k=hunter2hunter2",
         "Secret": "hunter2hunter2", "Message": "hunter2hunter2"},
        {"rule": "key", "file": "a", "lineNumber": 4, "line": "k=hunter2hunter2", "offender": "hunter2hunter2"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("lines", [False, True])
def test_gitleaks_old_and_new(record: dict[str, Any], lines: bool) -> None:
    found = only(read(json.dumps(record) + "\n" if lines else [record]))
    assert (found.class_, found.rule_id, found.cwes, found.locations[0].line) == ("secret", "key", ("CWE-798",), 4)
    assert "hunter2" not in repr(found)


ALERT = {"pluginid": "10038", "alert": "CSP missing", "riskcode": "2", "desc": "<p>no &amp; none</p>", "cweid": "693"}


def test_zap_json() -> None:
    instances = [{"uri": "http://a/1", "method": "GET"}, {"uri": "http://a/2", "method": "POST"}]
    report = {"@version": "2.16.1", "site": [{"@name": "http://a", "alerts": [{**ALERT, "instances": instances}]}]}
    found = only(read(report))
    assert (found.class_, found.severity, found.cwes) == ("dast", "medium", ("CWE-693",))
    assert found.description == "no & none"
    assert [(place.url, place.method) for place in found.locations] == [("http://a/1", "GET"), ("http://a/2", "POST")]


def test_zap_xml() -> None:
    fields = "".join(
        f"<{name}>{value.replace('&', '&amp;').replace('<', '&lt;')}</{name}>" for name, value in ALERT.items()
    )
    instance = "<instances><instance><uri>http://a/1</uri><method>GET</method></instance></instances>"
    site = f'<site name="http://a"><alerts><alertitem>{fields}{instance}</alertitem></alerts></site>'
    found = only(
        read(f'<?xml version="1.0" encoding="UTF-8"?><OWASPZAPReport version="2.16.1">{site}</OWASPZAPReport>')
    )
    assert (found.severity, found.cwes, found.description) == ("medium", ("CWE-693",), "no & none")
    assert found.locations[0].url == "http://a/1"
    assert found.pointer == "/site[1]/alerts/alertitem[1]"


def test_sarif_1_0() -> None:
    result = {
        "ruleId": "C1",
        "level": "error",
        "formattedRuleMessage": {"formatId": "default", "arguments": ["x"]},
        "locations": [{"resultFile": {"uri": "file:///a.c", "region": {"startLine": 3}}}],
        "suppressionStates": ["suppressedInSource"],
    }
    run = {
        "tool": {"name": "OldScan", "version": "1"},
        "rules": {"C1": {"id": "C1", "shortDescription": "Bad", "messageFormats": {"default": "uses {0}"}}},
        "results": [result, {"ruleId": "C1", "level": "pass"}],
    }
    reading = read({"version": "1.0.0", "runs": [run]})
    found = only(reading)
    assert (found.tool, found.title, found.description) == ("oldscan", "Bad", "uses x")
    assert (found.locations[0].path, found.locations[0].line, found.suppressed) == ("/a.c", 3, True)
    assert reading.skipped == {"passed": 1}


def test_empty_reports_say_that_the_tool_is_unknown() -> None:
    for empty in ("[]", "null", " [ ]\n"):
        reading = read(empty)
        assert (reading.tool, reading.books.seen, reading.status) == ("unknown", 0, "parsed_with_warnings")


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ("loofah gem 2.0.3 is vulnerable (CVE-2018-8048). Upgrade to 2.2.1", ("loofah", "2.0.3", "2.2.1")),
        ("Rails 5.0.0 has a vulnerability. Upgrade to Rails 5.2.4.3 or patch", ("rails", "5.0.0", "5.2.4.3")),
        ("sprockets 3.5.2 has a flaw (CVE-2018-3760). Upgrade to sprockets 3.7.2 or newer",
         ("sprockets", "3.5.2", "3.7.2")),
        ("Unescaped parameter value", None),
    ],
)  # fmt: skip
def test_brakeman_names_gems_in_words(message: str, wanted: tuple[str, str, str] | None) -> None:
    warning = {"warning_type": "X", "check_name": "C", "message": message, "file": "Gemfile.lock", "line": 1}
    found = only(read({"scan_info": {}, "warnings": [warning], "errors": []}))
    package = found.package
    assert (package and (package.name, package.version, *package.fixed_versions)) == wanted
    assert found.class_ == ("vulnerability" if wanted else "code")


def test_trufflehog_names_the_repository_without_a_link() -> None:
    git = {"commit": "abc", "file": "keys", "line": 1, "repository": "https://github.com/o/r.git"}
    record = {"SourceMetadata": {"Data": {"Git": git}}, "DetectorName": "AWS", "Verified": True, "Raw": "x" * 20}
    assert only(read([record])).description == "In commit abc of github.com/o/r"


def test_an_image_that_is_not_known_is_no_place() -> None:
    place = {"dependency": {"package": {"name": "jquery"}, "version": "3.3.9"}, "image": "Unknown"}
    flaw = {"id": "1", "category": "container_scanning", "location": place, "identifiers": [{"name": "CVE-2019-11358"}]}
    report = {"version": "15.0.0", "scan": {"type": "container_scanning"}, "vulnerabilities": [flaw]}
    assert only(read(report)).locations == ()


def test_the_preamble_of_malicious_packages_is_no_description() -> None:
    source = "a" * 64
    details = (
        f"\n---\n_-= Per source details. Do not edit below this line.=-_\n\n## Source: ghsa ({source})\nIt steals keys."
    )
    flaw = {"id": "MAL-2023-1035", "details": details}
    packages = [{"package": {"name": "flot-axis", "ecosystem": "npm"}, "vulnerabilities": [flaw]}]
    report = {"results": [{"source": {"path": "yarn.lock"}, "packages": packages}]}
    assert only(read(report)).description == "It steals keys."
