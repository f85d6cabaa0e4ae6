"""Findings of the clouds' own services: Microsoft Defender for Cloud (recommendations as CSV, assessments as JSON) and
for Endpoint (vulnerabilities of machines), Google's Artifact Analysis and Security Command Center, Prisma Cloud (CSV).

Sources: learn.microsoft.com (Microsoft.Security/assessments, exported recommendations, Defender's API of
vulnerabilities), cloud.google.com (`gcloud artifacts docker images describe`, `gcloud scc findings list`). Amazon's:
`image_scanners` (Inspector, ECR) and `prowler` (ASFF).
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import early, some


def _unhealthy(status: str | None, ledger: Ledger) -> bool:
    if (status or "Unhealthy").lower() == "unhealthy":
        return True
    ledger.skip("passed" if (status or "").lower() == "healthy" else (status or "").lower())
    return False


def claims_defender_csv(table: Node) -> bool:
    return {"recommendationId", "recommendationDisplayName", "state"} <= set(table.texts("columns"))


@reads("azure-defender-csv", claims_defender_csv, kind="csv", tool="azure-defender")
def defender_csv(table: Node, ledger: Ledger) -> Iterator[Problem]:
    for row in ledger.records(table, "rows"):
        if _unhealthy(row.text("state"), ledger):
            yield Problem(
                row,
                "misconfiguration",
                title=row.text("recommendationDisplayName"),
                rule_id=row.text("recommendationName"),
                severity=row.text("severity"),
                description=row.text("description"),
                remediation=row.text("remediationSteps"),
                references=(row.text("azurePortalRecommendationLink"),),
                symbol=row.text("resourceId", "resourceName"),
            )


def _assessments(report: Node) -> bool:
    lists = (early(report, "value"), early(report) if report.is_list else [])
    return any("/assessments" in (each.text("type") or "").lower() for listed in lists for each in listed)


@reads("azure-defender", _assessments)
def defender(report: Node, ledger: Ledger) -> Iterator[Problem]:
    _pages(report, ledger)
    for record in ledger.records(report if report.is_list else report["value"]):
        about = record["properties"] or record
        if _unhealthy(about.text("status.code"), ledger):
            yield Problem(
                record,
                "misconfiguration",
                title=about.text("displayName", "metadata.displayName"),
                rule_id=record.text("name"),
                severity=about.text("metadata.severity"),
                severity_origin="metadata.severity",
                description=about.text("metadata.description", "status.description"),
                remediation=about.text("metadata.remediationDescription"),
                symbol=about.text("resourceDetails.Id", "resourceDetails.id") or record.text("id"),
            )


def _pages(report: Node, ledger: Ledger) -> None:
    if report.text("nextLink") or (report.is_object and report.value.get("@odata.nextLink")):
        ledger.warn("this is one page of several: the findings of the next pages are not in it")


@reads("microsoft-defender", lambda report: some(report, "cveId", "machineId", path="value"))
def endpoint(report: Node, ledger: Ledger) -> Iterator[Problem]:
    _pages(report, ledger)
    for record in ledger.records(report, "value"):
        name, vendor = record.text("productName"), record.text("productVendor")
        yield Problem(
            record,
            "vulnerability",
            title=f"{record.text('cveId')} in {name}",
            rule_id=record.text("cveId"),
            severity=record.text("severity"),
            ids=(record.text("cveId"),),
            remediation=f"Install {record.text('fixingKbId')}" if record.text("fixingKbId") else None,
            symbol=record.text("machineId"),
            package=package("/".join(filter(None, (vendor, name))), version=record.text("productVersion")),
        )


@reads("google-artifact-analysis", lambda report: "package_vulnerability_summary" in report or some(
    report, "noteName", "vulnerability"), tool="google-artifact-analysis")  # fmt: skip
def artifact_analysis(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """One problem an occurrence; the lists of an image are by severity."""
    lists = [each for _, each in ledger.members(report, "package_vulnerability_summary.vulnerabilities")]
    for found in [report] if report.is_list else lists:
        for record in ledger.records(found):
            flaw = record["vulnerability"]
            part = next(iter(flaw.items("packageIssue")), Node(None))
            name = (record.text("noteName") or "").rpartition("/")[2]
            fixed = part.text("fixedVersion.fullName")
            yield Problem(
                record,
                "vulnerability",
                title=f"{name} in {part.text('affectedPackage')}",
                rule_id=name,
                severity=flaw.text("effectiveSeverity", "severity"),
                cvss_score=flaw.number("cvssv3.baseScore", "cvssScore"),
                ids=ids_in(name) or (name,),
                description=flaw.text("longDescription", "shortDescription"),
                references=[each.text("url") for each in flaw.items("relatedUrls")],
                path=next((each.text("filePath") for each in part.items("fileLocation")), None),
                symbol=record.text("resourceUri"),
                package=package(
                    part.text("affectedPackage"),
                    of=GOOGLE_TYPES.get(part.text("packageType") or "", part.text("packageType")),
                    version=part.text("affectedVersion.fullName"),
                    fixed=() if part.text("fixedVersion.kind") == "MAXIMUM" else (fixed,),
                ),
            )


GOOGLE_TYPES = {"GO_STDLIB": "golang", "GO": "golang", "MAVEN": "maven", "NPM": "npm", "PYPI": "pypi", "OS": "os"}


def claims_scc(report: Node) -> bool:
    lists = (early(report, "listFindingsResults"), early(report) if report.is_list else [])
    return any(each["finding"].has("category", "state") for listed in lists for each in listed)


@reads("google-scc", claims_scc)
def security_command_center(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for entry in ledger.records(report if report.is_list else report["listFindingsResults"]):
        record = entry["finding"]
        flaw = record.at("vulnerability.cve")
        muted, inactive = record.text("mute") == "MUTED", record.text("state") == "INACTIVE"
        yield Problem(
            record,
            "vulnerability" if flaw or record.text("findingClass") == "VULNERABILITY" else "misconfiguration",
            title=(record.text("category") or "").replace("_", " ").capitalize(),
            rule_id=record.text("category"),
            severity=record.text("severity"),
            cvss_score=flaw.number("cvssv3.baseScore"),
            ids=(flaw.text("id"),),
            description=record.text("description"),
            remediation=record.text("nextSteps", "sourceProperties.Recommendation"),
            references=(record.text("externalUri"),),
            symbol=record.text("resourceName"),
            suppressed=muted or inactive,
            suppression="muted" if muted else "inactive" if inactive else None,
        )


@reads("prisma-cloud-csv", lambda table: {"CVE ID", "Compliance ID", "Packages", "Severity"} <= set(
    table.texts("columns")), kind="csv", tool="prisma-cloud")  # fmt: skip
def prisma(table: Node, ledger: Ledger) -> Iterator[Problem]:
    """Images as twistcli and the console of Prisma Cloud export them."""
    for row in ledger.records(table, "rows"):
        cve, fix = row.text("CVE ID"), row.text("Fix Status") or ""
        image = ":".join(filter(None, (row.text("Repository"), row.text("Tag"))))
        yield Problem(
            row,
            "vulnerability" if cve else "misconfiguration",
            title=f"{cve} in {row.text('Packages')}" if cve else row.text("Description", "Cause"),
            rule_id=cve or row.text("Compliance ID"),
            severity=row.text("Severity"),
            cvss_score=row.number("CVSS"),
            ids=(cve,),
            description=row.text("Description"),
            symbol=image or row.text("Hostname", "Hosts"),
            package=package(
                row.text("Packages", "Source Package"),
                version=row.text("Package Version"),
                fixed=fix.removeprefix("fixed in ").split(", ") if fix.startswith("fixed in ") else (),
            )
            if cve
            else None,
        )
