"""Scanners of components beside those with a file of their own: JFrog Xray (violations, the summary of artifacts, scans
on demand), Mend / WhiteSource, Black Duck (CSV), Aqua.

Sources: jfrog.com/help (Xray REST API: violations, summary/artifact; `jf scan`), docs.mend.io (API 1.3 and
3.0), documentation.blackduck.com (vulnerability report), docs.aquasec.com (image scan results, risks/vulnerabilities).
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import early, some
from handlers.records import Class, Package


def _split(cvss: str | None) -> str | None:
    """`9.8/CVSS:3.0/AV:N/…` -> the vector."""
    return cvss.partition("/")[2] if cvss and "/" in cvss else None


def _part(identity: str | None, fixed: tuple[str, ...] = ()) -> Package | None:
    """`gav://group:name:1.0` or `deb://debian:stretch:libx11:2:1.6`."""
    kind, _, rest = (identity or "").rpartition("://")
    name, _, version = rest.rpartition(":")
    kind = {"gav": "maven", "go": "golang"}.get(kind, kind)
    return package(name or rest or None, of=kind or None, version=version if name else None, fixed=fixed)


def _class(issue: Node) -> Class:
    """Xray's violations are of security or of a licence; their case differs between its interfaces."""
    return "licence" if (issue.text("issue_type", "type") or "").lower() == "license" else "vulnerability"


@reads("jfrog-xray-violations", lambda report: report.has("total_count", "data") and some(
    report, "source_comp_id", "severity", path="data"), tool="jfrog-xray")  # fmt: skip
def violations(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.counted(report.integer("total_count"), report["data"])
    for record in ledger.records(report, "data"):
        details = record.at("component_versions.more_details")
        cves = details.items("cves")
        yield Problem(
            record,
            _class(record),
            title=record.text("summary"),
            rule_id=next((each.text("cve") for each in cves), None) or record.text("id"),
            severity=record.text("severity"),
            cvss_vector=next((_split(each.text("cvss_v3")) for each in cves), None),
            cwes=[each["cwe"] for each in cves],
            ids=[each.text("cve") for each in cves],
            description=details.text("description"),
            package=_part(record.text("source_comp_id"), record.texts("component_versions.fixed_versions")),
        )


@reads("jfrog-xray-artifacts", lambda report: some(report, "general", "issues", path="artifacts"), tool="jfrog-xray")
def artifacts(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for artifact in ledger.records(report, "artifacts"):
        for record in ledger.records(artifact, "issues"):
            cves = record.items("cves")
            yield Problem(
                record,
                "vulnerability",
                title=record.text("summary"),
                rule_id=record.text("issue_id"),
                severity=record.text("severity"),
                cvss_vector=next((_split(each.text("cvss_v3")) for each in cves), None),
                cwes=[each["cwe"] for each in cves],
                ids=[each.text("cve") for each in cves],
                description=record.text("description"),
                path=next(iter(record.texts("impact_path")), None) or artifact.text("general.path"),
                symbol=artifact.text("general.component_id", "general.name"),
            )


@reads("jfrog-xray-scan", lambda report: some(report, "scan_id", "component_id"), tool="jfrog-xray")
def on_demand(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """One problem an issue and component."""
    for scan in ledger.entries(report):
        for kind in ("vulnerabilities", "violations"):
            for issue in ledger.records(scan, kind):
                cves = issue.items("cves")
                for identity, record in ledger.members(issue, "components"):
                    yield Problem(
                        record,
                        _class(issue),
                        title=issue.text("summary"),
                        rule_id=issue.text("issue_id"),
                        severity=issue.text("severity"),
                        cvss_vector=next((each.text("cvss_v3_vector") for each in cves), None),
                        cwes=[each["cwe"] for each in cves],
                        ids=[each.text("cve") for each in cves],
                        references=issue.texts("references"),
                        symbol=scan.text("component_id"),
                        package=_part(identity, tuple(each.strip("[]() ,") for each in record.texts("fixed_versions"))),
                    )


def claims_mend(report: Node) -> bool:
    listed = some(report, "library", "severity", path="vulnerabilities")
    return (
        listed or report.has("projectVitals", "libraries") or some(report, "component", "findingInfo", path="response")
    )


@reads("mend", claims_mend)
def mend(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.records(report, "vulnerabilities"):
        yield _mend(record, record, record["library"])
    for library in ledger.records(report, "libraries"):
        for record in ledger.records(library, "vulnerabilities"):
            yield _mend(record, record, library)
    for record in ledger.records(report, "response"):
        yield _mend(record, record["vulnerability"], record["component"])


def _mend(record: Node, flaw: Node, library: Node) -> Problem:
    name, group, fix = library.text("artifactId", "name"), library.text("groupId"), record["topFix"]
    kind = (library.text("type", "libraryType") or "").upper()
    of = next((each for word, each in MEND_TYPES.items() if word in kind), None)
    status = record.text("findingInfo.status") or "ACTIVE"
    closed = status not in ("ACTIVE", "OPEN", "NEW")
    return Problem(
        record,
        "vulnerability",
        title=f"{flaw.text('name') or record.text('name')} in {name}",
        rule_id=flaw.text("name") or record.text("name"),
        severity=flaw.text("cvss3_severity", "severity"),
        cvss_vector=flaw.text("scoreMetadataVector"),
        cvss_score=flaw.number("cvss3_score", "score"),
        ids=(flaw.text("name") or record.text("name"),),
        description=flaw.text("description"),
        remediation=fix.text("fixResolution", "message"),
        references=(flaw.text("url"), fix.text("url")),
        path=library.text("path") or next((each.text("localPath") for each in library.items("locations")), None),
        package=package(
            f"{group}:{name}" if of == "maven" and group and group != name else group if of == "npm" else name,
            of=of,
            version=library.text("version"),
        ),
        suppressed=closed,
        suppression=status.lower() if closed else None,
    )


MEND_TYPES = {"MAVEN": "maven", "NODE": "npm", "PYTHON": "pypi", "GO_": "golang", "NUGET": "nuget", "RUBY": "gem"}


def claims_blackduck(table: Node) -> bool:
    return {"Vulnerability id", "Security Risk", "Base score"} <= set(table.texts("columns"))


@reads("blackduck-csv", claims_blackduck, kind="csv", tool="blackduck")
def blackduck(table: Node, ledger: Ledger) -> Iterator[Problem]:
    for row in ledger.records(table, "rows"):
        origin = row.text("Component origin id", "Channel version origin id", "Origin id") or ""
        name, _, version = origin.rpartition(":") if ":" in origin else (None, "", None)
        of = row.text("Component origin name", "Channel version origin")
        done = (row.text("Remediation status") or "").upper() in ("IGNORED", "PATCHED", "MITIGATED", "NOT_AFFECTED",
            "REMEDIATION_COMPLETE")  # fmt: skip
        yield Problem(
            row,
            "vulnerability",
            title=f"{row.text('Vulnerability id')} in {row.text('Component name', 'Project name')}",
            rule_id=row.text("Vulnerability id"),
            severity=row.text("Security Risk"),
            severity_origin="Security Risk",
            cvss_score=row.number("Base score"),
            cwes=row.text("CWE Ids"),
            ids=ids_in(row.text("Vulnerability id")) or (row.text("Vulnerability id"),),
            description=row.text("Description"),
            references=(row.text("URL"),),
            package=package(
                name or row.text("Component name", "Project name"),
                of=of,
                version=version or row.text("Component version name", "Version"),
            ),
            suppressed=done,
            suppression=row.text("Remediation comment", "Remediation status") if done else None,
        )


def claims_aqua(report: Node) -> bool:
    return (
        some(report, "resource", "scanned", path="resources")
        or report.has("image", "resources", "scan_started")
        or some(report, "image_name", "results")
        or report.has("cves", "cves_counts")
        or any(each["resource"].is_object and "aqua_severity" in each for each in early(report, "result"))
    )


@reads("aqua", claims_aqua)
def aqua(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.counted(report.integer("cves_counts.total"), report["cves"])
    for record in ledger.records(report, "cves"):
        yield _aqua(record, Node({"name": record.text("file")}), report.text("image_name"))
    for scan in [each["results"] for each in ledger.entries(report) if "results" in each] or [report]:
        for holder in ledger.records(scan, "resources"):
            for record in ledger.records(holder, "vulnerabilities"):
                yield _aqua(record, holder["resource"], scan.text("image"))
            for record in ledger.records(holder, "sensitive_data_items"):
                path, kind = holder.text("resource.path"), record.text("type")
                yield Problem(record, "secret", title=kind, rule_id=kind, path=path, symbol=scan.text("image"))
    if report.is_object:
        for record in ledger.records(report, "result"):
            yield _aqua(record, record["resource"], record.text("image_name"))


def _aqua(record: Node, part: Node, image: str | None) -> Problem:
    name = record.text("name")
    return Problem(
        record,
        "vulnerability",
        title=f"{name} in {part.text('name') or 'the image'}",
        rule_id=name,
        severity=record.text("aqua_severity", "severity", "nvd_severity_v3", "vendor_severity", "nvd_severity"),
        cvss_vector=record.text("nvd_vectors_v3", "nvd_cvss3_vectors", "nvd_vectors", "nvd_cvss2_vectors"),
        cwes=[each.text("Id") for each in record.items("cwe_info")],
        ids=ids_in(name) or (name,),
        description=record.text("description"),
        remediation=record.text("solution"),
        references=(record.text("nvd_url", "url"),),
        path=part.text("path"),
        symbol=image,
        package=package(
            part.text("name"),
            of=part.text("format"),
            version=part.text("version"),
            fixed=(record.text("fix_version"),),
        ),
    )
