"""Snyk's JSON: `snyk test`, `snyk container test`, `snyk iac test` (one project or a list), and the REST issues.

Sources: https://docs.snyk.io/snyk-cli/scan-and-maintain-projects-using-the-cli, github.com/snyk/cli (legacy.ts),
https://docs.snyk.io/snyk-api/reference/issues. `snyk code test --json` writes SARIF. One problem a dependency path, as
Snyk counts; the paths of one issue merge.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import package
from handlers.readers.interface import Ledger, MalformedError, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import early, some
from handlers.records import Class

MARKS = {"dependencyCount", "packageManager", "licensesPolicy", "uniqueCount", "org", "ok", "applications", "docker"}


def claims(report: Node) -> bool:
    return any(map(_is_project, early(report)))


def _is_project(each: Node) -> bool:
    if "infrastructureAsCodeIssues" in each:
        return True
    if not each["vulnerabilities"].is_list:
        return False
    return not MARKS.isdisjoint(each.value) or some(each, "packageName", "identifiers", path="vulnerabilities")


@reads("snyk", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for project in ledger.entries(report):
        if not _is_project(project):
            ledger.scan_failed(
                f"snyk says of {project.text('path') or 'a project'}: {project.text('error', 'message')}"
            )
            ledger.skip("project that could not be scanned")
        yield from _project(project, ledger)


def _project(project: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.skip("ignored by the project's policy", len(project.items("filtered.ignore")))
    ledger.counted(project.integer("uniqueCount"), project["vulnerabilities"] or project["infrastructureAsCodeIssues"])
    manifest = project.text("displayTargetFile", "targetFile", "targetFilePath")
    for record in ledger.records(project, "vulnerabilities"):
        yield _vulnerability(record, manifest)
    for record in ledger.records(project, "infrastructureAsCodeIssues"):
        yield _infrastructure(record, project.text("targetFile", "displayTargetFile", "targetFilePath"))
    for application in ledger.records(project, "applications"):
        yield from _project(application, ledger)


def _vulnerability(record: Node, manifest: str | None) -> Problem:
    is_licence = record.text("type") == "license"
    known = record["identifiers"]
    return Problem(
        record,
        "licence" if is_licence else "vulnerability",
        title=record.text("title"),
        rule_id=record.text("id"),
        severity=record.text("severityWithCritical", "severity"),
        cvss_vector=record.text("CVSSv3"),
        cvss_score=record.number("cvssScore"),
        cwes=known["CWE"],
        ids=(
            *known.texts("CVE"),
            *known.texts("GHSA"),
            *known.texts("RUSTSEC"),
            None if is_licence else record.text("id"),
        ),
        description=(record.text("description") or "").partition("## References")[0],  # a list of links
        remediation=_remedy(record),
        references=[each.text("url") for each in record.items("references")],
        path=manifest or record.text("filePath"),
        package=package(
            record.text("packageName", "name", "moduleName"),
            of=(record.text("packageManager", "language") or "").partition(":")[0] or None,
            version=record.text("version", "packageVersion") or _version(record.texts("from")),
            fixed=record.texts("fixedIn") or record.texts("nearestFixedInVersion"),
        ),
    )


def _version(path: tuple[str, ...]) -> str | None:
    """Of C and C++ it is only in the dependency path: `https://ftp.gnu.org|cpio@2.12`."""
    return path[-1].rpartition("@")[2] or None if path and "@" in path[-1] else None


def _remedy(record: Node) -> str | None:
    """`upgradePath` has false for what stays as it is, then the direct dependency that has to move."""
    direct = next((each.text() for each in record.items("upgradePath") if isinstance(each.value, str)), None)
    through = " > ".join(record.texts("from")[1:])
    return (
        ". ".join(
            filter(
                None, (f"Upgrade to {direct}" if direct else None, f"Introduced through {through}" if through else None)
            )
        )
        or None
    )


def _infrastructure(record: Node, file: str | None) -> Problem:
    details = record["iacDescription"]
    return Problem(
        record,
        "misconfiguration",
        title=record.text("title"),
        rule_id=record.text("publicId", "id"),
        severity=record.text("severity"),
        description=details.text("issue") or record.text("issue", "description", "impact"),
        remediation=details.text("resolve") or record.text("resolve", "remediation"),
        references=(record.text("documentation"), *record.texts("references")),
        path=file,
        line=record.integer("lineNumber"),
        symbol=".".join(record.texts("path")) or record.text("msg"),
        suppressed=record.flag("isIgnored") is True,
    )


@reads("snyk-unmanaged", lambda report: report.has("issues", "issuesData"), tool="snyk")
def unmanaged(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """`snyk unmanaged test` of C and C++: issues by package, their texts once."""
    for record in ledger.records(report, "issues"):
        about = report["issuesData"][record.text("issueId") or ""]
        yield Problem(
            record,
            "vulnerability",
            title=about.text("title"),
            rule_id=record.text("issueId"),
            severity=about.text("severityWithCritical", "severity"),
            cvss_vector=about.text("CVSSv3"),
            cvss_score=about.number("cvssScore"),
            cwes=about.at("identifiers.CWE"),
            ids=(*about.texts("identifiers.CVE"), record.text("issueId")),
            description=about.text("description"),
            package=package(record.text("pkgName"), version=record.text("pkgVersion"), fixed=about.texts("fixedIn")),
        )


REST_CLASSES: dict[str, Class] = {
    "code": "code",
    "license": "licence",
    "config": "misconfiguration",
    "cloud": "misconfiguration",
}


def claims_rest(report: Node) -> bool:
    return (
        "jsonapi" in report and "data" in report and all(each.text("type") == "issue" for each in early(report, "data"))
    )


@reads("snyk-rest", claims_rest, tool="snyk")
def rest(report: Node, ledger: Ledger) -> Iterator[Problem]:
    if not report["data"].is_list:
        raise MalformedError("data should be an array of issues")
    if report.text("links.next"):
        ledger.warn("this is one page of several: the issues of the next pages are not in it")
    for record in ledger.records(report, "data"):
        yield _issue(record)


def _issue(record: Node) -> Problem:
    issue = record["attributes"]
    place = next((each for spot in issue.items("coordinates") for each in spot.items("representations")), Node(None))
    source = place["sourceLocation"]
    dependency = place["dependency"]
    resolved = issue.text("status") == "resolved"
    return Problem(
        record,
        REST_CLASSES.get(issue.text("type") or "", "vulnerability"),
        title=issue.text("title"),
        rule_id=issue.text("key"),
        severity=issue.text("effective_severity_level"),
        severity_origin="effective_severity_level",
        cwes=[each.text("id") for each in issue.items("classes")],
        ids=[each.text("id") for each in issue.items("problems") if each.text("type") != "rule"],
        description=issue.text("description"),
        path=source.text("file"),
        line=source.integer("region.start.line"),
        end_line=source.integer("region.end.line"),
        package=package(dependency.text("package_name"), version=dependency.text("package_version")),
        suppressed=resolved or issue.flag("ignored") is True,
        suppression="resolved" if resolved else None,
    )
