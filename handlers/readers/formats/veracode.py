"""Veracode: the detailed report (XML), the findings of its REST API, the pipeline scan, SCA's issues and its agent's.

Sources: https://docs.veracode.com/r/c_download_XML_PDF (detailedreport.xsd), r/c_findings_v2_intro,
r/c_about_pipeline_scan, r/c_sca_rest_api, r/Agent_JSON_Output. Severities are 5 (very high) to 0 (informational).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from handlers.readers.identifiers import package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node, XmlNode
from handlers.readers.shapes import plain, some
from handlers.records import Class, Severity

LEVELS: dict[str, Severity] = {
    "level 5": "critical",
    "level 4": "high",
    "level 3": "medium",
    "level 2": "low",
    "level 1": "low",
    "level 0": "info",
}
CLASSES: dict[str, Class] = {"SCA": "vulnerability", "DYNAMIC": "dast"}


def _level(record: Node) -> str | None:
    level = record.integer("severity")
    return None if level is None else f"level {level}"


@reads("veracode", lambda root: isinstance(root, XmlNode) and root.name == "detailedreport", kind="xml")
def detailed(root: Node, ledger: Ledger) -> Iterator[Problem]:
    if "software_composition_analysis" not in root:
        ledger.expects(root, "severity")
    for level in root.items("severity"):
        for category in level.items("category"):
            advice = " ".join(each.text("text") or "" for each in category.items("recommendations.para")).strip()
            for cwe in category.items("cwe"):
                for kind in ("staticflaws", "dynamicflaws", "manualflaws"):
                    for record in cwe.items(f"{kind}.flaw"):
                        yield _flaw(record, cwe, category, kind, advice)
    for component in root.items("software_composition_analysis.vulnerable_components.component"):
        for record in component.items("vulnerabilities.vulnerability"):
            yield _component(record, component)


def _flaw(record: Node, cwe: Node, category: Node, kind: str, advice: str) -> Problem:
    folder, file = record.text("sourcefilepath") or "", record.text("sourcefile")
    fixed, accepted = record.text("remediation_status") == "Fixed", record.text("mitigation_status") == "accepted"
    return Problem(
        record,
        "dast" if kind == "dynamicflaws" else "code",
        title=cwe.text("cwename") or category.text("categoryname"),
        rule_id=f"CWE-{cwe.text('cweid')}",
        severity=_level(record),
        scale=LEVELS,
        cwes=record.text("cweid") or cwe.text("cweid"),
        description=plain(record.text("description")),
        remediation=advice or None,
        path=f"{folder.rstrip('/')}/{file}".lstrip("/") if file and folder else file,
        line=record.integer("line"),
        url=record.text("url"),
        symbol=record.text("functionprototype", "vuln_parameter"),
        suppressed=fixed or accepted,
        suppression="fixed" if fixed else "mitigation accepted" if accepted else None,
    )


def _component(record: Node, component: Node) -> Problem:
    mitigated = record.flag("mitigation") is True
    vendor, library = component.text("vendor"), component.text("library") or component.text("file_name")
    return Problem(
        record,
        "vulnerability",
        title=f"{record.text('cve_id')} in {library}",
        rule_id=record.text("cve_id"),
        severity=_level(record),
        scale=LEVELS,
        cvss_score=record.number("cvss_score"),
        cwes=record.text("cwe_id"),
        ids=(record.text("cve_id"),),
        description=record.text("cve_summary"),
        path=next((each.text("value") for each in component.items("file_paths.file_path")), None),
        package=package(
            f"{vendor}:{library}" if vendor and vendor != library else library, version=component.text("version")
        ),
        suppressed=mitigated,
        suppression="mitigated" if mitigated else None,
    )


def claims_findings(report: Node) -> bool:
    return any(some(report, "scan_type", "finding_details", path=path) for path in ("findings", "_embedded.findings"))


@reads("veracode-findings", claims_findings, tool="veracode")
def findings(report: Node, ledger: Ledger) -> Iterator[Problem]:
    if report.at("_links.next.href"):
        ledger.warn("this is one page of several: the findings of the next pages are not in it")
    for record in ledger.records(report, "findings" if "findings" in report else "_embedded.findings"):
        about, status = record["finding_details"], record["finding_status"]
        closed = status.text("status") == "CLOSED"
        cve = about["cve"]
        yield Problem(
            record,
            CLASSES.get(record.text("scan_type") or "", "code"),
            title=cve.text("name") or about.text("cwe.name", "finding_category.name"),
            rule_id=cve.text("name") or f"CWE-{about.text('cwe.id')}",
            severity=_level(about),
            scale=LEVELS,
            cvss_score=cve.number("cvss3.score", "cvss"),
            cwes=about.at("cwe.id"),
            ids=(cve.text("name"),),
            description=plain(record.text("description")),
            path=about.text("file_path") or next((each.text("path") for each in about.items("component_path")), None),
            line=about.integer("file_line_number"),
            url=about.text("url"),
            symbol=about.text("procedure", "vulnerable_parameter"),
            package=package(about.text("component_filename"), version=about.text("version")) if cve else None,
            suppressed=closed,
            suppression=status.text("resolution") or "closed" if closed else None,
        )


@reads("veracode-pipeline", lambda report: report.has("pipeline_scan", "findings"), tool="veracode")
def pipeline(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("pipeline_scan")
    if (report.text("scan_status") or "SUCCESS") != "SUCCESS":
        ledger.scan_failed(f"Veracode says: {report.text('scan_status')}: {report.text('message') or 'no reason'}")
    for record in ledger.records(report, "findings"):
        place = record.at("files.source_file")
        yield Problem(
            record,
            "code",
            title=record.text("issue_type", "title"),
            rule_id=f"CWE-{record.text('cwe_id')}",
            severity=_level(record),
            scale=LEVELS,
            cwes=record.text("cwe_id"),
            description=plain(record.text("display_text")),
            references=(record.text("flaw_details_link"),),
            path=place.text("file"),
            line=place.integer("line"),
            symbol=place.text("qualified_function_name", "function_name"),
        )


@reads("veracode-sca", lambda report: some(report, "issue_type", "library", path="_embedded.issues"), tool="veracode")
def sca(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """The agent-based scan's issues: vulnerabilities, licences, outdated libraries."""
    for record in ledger.records(report, "_embedded.issues"):
        flaw, library = record["vulnerability"], record["library"]
        kind = record.text("issue_type")
        if kind == "outdated":
            ledger.skip("outdated library")
            continue
        cve = flaw.text("cve")
        identity = cve and f"CVE-{cve.removeprefix('CVE-')}"
        ecosystem, _, rest = (library.text("id") or "").partition(":")
        done = record.flag("ignored") is True or record.text("issue_status") == "fixed"
        yield Problem(
            record,
            "licence" if kind == "license" else "vulnerability",
            title=flaw.text("title") or f"{kind} of {library.text('name')}",
            rule_id=identity or flaw.text("id"),
            severity=record.number("severity"),
            cwes=flaw.text("cwe_id"),
            ids=(identity,),
            symbol=record.text("project_name"),
            package=package(
                rest.rpartition(":")[0].strip(":") or library.text("name"),
                of=ecosystem,
                version=library.text("version"),
            ),
            suppressed=done,
            suppression="ignored" if record.flag("ignored") else "fixed" if done else None,
        )


@reads(
    "veracode-sca-agent", lambda report: some(report, "libraries", "vulnerabilities", path="records"), tool="veracode"
)
def agent(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """`srcclr scan --json`: one problem a vulnerability and library."""
    for scan in ledger.records(report, "records"):
        for flaw in ledger.records(scan, "vulnerabilities"):
            for record in ledger.records(flaw, "libraries"):
                part, version = _linked(report, record.text("_links.ref") or "")
                cve = flaw.text("cve")
                fix = next(iter(record.items("details")), Node(None))
                yield Problem(
                    record,
                    "vulnerability",
                    title=flaw.text("title"),
                    rule_id=f"CVE-{cve}" if cve else (flaw.text("_links.html") or "").rpartition("/")[2] or None,
                    severity=flaw.number("cvss3Score", "cvssScore"),
                    severity_origin="cvss3Score" if flaw.number("cvss3Score") else "cvssScore",
                    ids=(f"CVE-{cve}",) if cve else (),
                    description=flaw.text("overview"),
                    remediation=fix.text("fixText"),
                    references=(flaw.text("_links.html"),),
                    package=package(
                        part.text("coordinate1", "name"),
                        of=part.text("coordinateType"),
                        version=version,
                        fixed=(fix.text("updateToVersion"),),
                    ),
                )


def _linked(report: Node, pointer: str) -> tuple[Node, str | None]:
    """The library and its version that `/records/0/libraries/128/versions/0` leads to."""
    numbers = [int(each) for each in re.findall(r"/(\d{1,6})(?=/|$)", pointer)]
    if len(numbers) != 3:
        return Node(None), None
    part = report["records"][numbers[0]]["libraries"][numbers[1]]
    return part, part["versions"][numbers[2]].text("version")
