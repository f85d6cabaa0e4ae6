"""Scanners of hosts and sites: Nessus (version 2 XML), OpenVAS / Greenbone, OpenSCAP (XCCDF results), WPScan.

Sources: docs.tenable.com (nessus file format), docs.greenbone.net (GMP, get_reports), NIST SP 800-126 (XCCDF 1.2),
github.com/wpscanteam/wpscan (JSON formatter). Outputs of checks may quote secrets: they are not kept.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node, XmlNode
from handlers.records import Severity

NESSUS: dict[str, Severity] = {
    "severity 1": "low",
    "severity 2": "medium",
    "severity 3": "high",
    "severity 4": "critical",
}


@reads("nessus", lambda root: isinstance(root, XmlNode) and root.name == "NessusClientData_v2", kind="xml")
def nessus(root: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.expects(root, "Report")
    for report in root.items("Report"):
        for host in report.items("ReportHost"):
            for record in host.items("ReportItem"):
                if f"severity {record.text('severity')}" in NESSUS:
                    yield _nessus(record, host.text("name"))
                else:
                    ledger.skip("informational")


def _nessus(record: Node, host: str | None) -> Problem:
    port, risk = record.text("port"), record.text("risk_factor")
    told = risk not in (None, "None")
    return Problem(
        record,
        "vulnerability",
        title=record.text("pluginName", "plugin_name"),
        rule_id=record.text("pluginID"),
        severity=risk if told else f"severity {record.text('severity')}",
        severity_origin="risk_factor" if told else "severity",
        scale=NESSUS,
        cvss_vector=record.text("cvss3_vector", "cvss_vector"),
        cvss_score=record.number("cvss3_base_score", "cvss_base_score"),
        cwes=record.texts("cwe"),
        ids=record.texts("cve"),
        description=record.text("description", "synopsis"),
        remediation=record.text("solution"),
        references=(record.text("see_also") or "").split(),
        url=f"{host}:{port}" if host and port and port != "0" else host,
    )


def claims_openvas(root: Node) -> bool:
    if not isinstance(root, XmlNode) or root.name not in ("report", "get_reports_response"):
        return False
    return any("results" in each for each in (root, root["report"], root.at("report.report")))


@reads("openvas", claims_openvas, kind="xml")
def openvas(root: Node, ledger: Ledger) -> Iterator[Problem]:
    bodies = [root, root["report"], root.at("report.report")]
    body = next((each for each in bodies if "results" in each), root)
    for record in body.items("results.result"):
        threat = (record.text("threat") or "").lower()
        if threat in ("log", "debug", "error"):
            ledger.skip(threat)
            continue
        yield _openvas(record, threat)


def _openvas(record: Node, threat: str) -> Problem:
    test, host = record["nvt"], record["host"]
    tags = dict(each.partition("=")[::2] for each in (test.text("tags") or "").split("|"))
    dismissed = threat == "false positive"
    name = host.text("hostname") or next(iter((host.text() or "").split()), None)
    return Problem(
        record,
        "vulnerability",
        title=record.text("name") or test.text("name"),
        rule_id=test.text("oid"),
        severity=record.text("original_threat") if dismissed else record.text("threat"),
        severity_origin="threat",
        cvss_score=record.number("severity"),
        ids=[each.text("id") for each in test.items("refs.ref") if (each.text("type") or "").lower() == "cve"]
        or ids_in(test.text("cve")),
        description=tags.get("summary") or record.text("description"),
        remediation=test.text("solution") or tags.get("solution"),
        references=[each.text("id") for each in test.items("refs.ref") if each.text("type") == "url"],
        url=f"{name}:{record.text('port')}" if name and record.text("port") else name,
        suppressed=dismissed,
        suppression="false positive" if dismissed else None,
    )


def claims_xccdf(root: Node) -> bool:
    return isinstance(root, XmlNode) and (
        (root.name == "Benchmark" and "TestResult" in root)
        or root.name == "TestResult"
        or (root.name == "asset-report-collection" and "reports" in root)
    )


@reads("openscap", claims_xccdf, kind="xml")
def openscap(root: Node, ledger: Ledger) -> Iterator[Problem]:
    """Results of XCCDF rules; `fail` and `error` state a problem."""
    contents = [each["content"] for each in root.items("reports.report")]
    results = [root] if isinstance(root, XmlNode) and root.name == "TestResult" else root.items("TestResult")
    results += [found for content in contents for found in content.items("TestResult")]
    rules: dict[str | None, Node] = {}
    _collect(root, rules)
    for result in results:
        for record in result.items("rule-result"):
            outcome = record.text("result") or "no result"
            if outcome not in ("fail", "error"):
                ledger.skip("passed" if outcome == "pass" else outcome)
                continue
            rule = rules.get(record.text("idref"), Node(None))
            names = [each.text() for each in record.items("ident")]
            yield Problem(
                record,
                "vulnerability" if ids_in(*names) else "misconfiguration",
                title=rule.text("title") or record.text("idref"),
                rule_id=record.text("idref"),
                severity=record.text("severity"),
                cwes=names,
                ids=ids_in(*names),
                description=rule.text("description"),
                symbol=result.text("target"),
            )


WPSCAN = {"interesting_findings", "plugins", "scan_aborted"}


def _collect(node: Node, rules: dict[str | None, Node]) -> None:
    for rule in node.items("Rule"):
        rules[rule.text("id")] = rule
    for group in node.items("Group"):
        _collect(group, rules)


@reads("wpscan", lambda report: "target_url" in report and not WPSCAN.isdisjoint(report.value))
def wpscan(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("banner.version")
    if report.text("scan_aborted"):
        ledger.scan_failed(f"WPScan says: {report.text('scan_aborted')}")
    ledger.skip("interesting, no vulnerability", len(report.items("interesting_findings")))
    themes = [each for _, each in report.fields("themes")]
    plugins = [each for _, each in report.fields("plugins")]
    for part in (report["version"], report["main_theme"], *themes, *plugins):
        for record in ledger.records(part, "vulnerabilities"):
            references = record["references"]
            yield Problem(
                record,
                "vulnerability",
                title=record.text("title"),
                rule_id=next((f"WPVDB-{each}" for each in references.texts("wpvulndb")), None),
                cvss_vector=record.text("cvss.vector"),
                cvss_score=record.number("cvss.score"),
                ids=[f"CVE-{each.removeprefix('CVE-')}" for each in references.texts("cve")],
                references=references.texts("url"),
                url=part.text("location") or report.text("target_url"),
                package=package(
                    part.text("slug") or "wordpress",
                    version=part.text("version.number", "number"),
                    fixed=(record.text("fixed_in"),),
                ),
            )
