"""Audits of packages: AuditJS and Nancy (both Sonatype OSS Index), mix_audit, `dotnet list package --vulnerable`, JFrog
Xray, local-php-security-checker.

Sources: github.com/sonatype-nexus-community (auditjs, nancy), github.com/mirego/mix_audit,
learn.microsoft.com/dotnet/core/tools/dotnet-package-list, jfrog.com/help (Xray reports),
github.com/fabpot/local-php-security-checker.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import early, lower_bounds, some


@reads("auditjs", lambda report: report.is_list and some(report, "coordinates", "vulnerabilities"))
def auditjs(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for part in ledger.records(report):
        for record in ledger.records(part, "vulnerabilities"):
            yield Problem(
                record,
                "vulnerability",
                title=record.text("title"),
                rule_id=record.text("cve", "id"),
                cvss_vector=record.text("cvssVector"),
                cvss_score=record.number("cvssScore") or None,
                cwes=record.text("title", "cwe"),
                ids=(record.text("cve"), *ids_in(record.text("id"))),
                description=record.text("description"),
                references=(record.text("reference"),),
                package=package(None, purl=part.text("coordinates")),
            )


@reads("nancy", lambda report: report.has("vulnerable", "num_audited"))
def nancy(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("version")
    ledger.skip("package with an invalid version", len(report.items("invalid")))
    ledger.counted(report.integer("num_vulnerable"), report["vulnerable"])
    for part in ledger.records(report, "vulnerable"):
        for record in ledger.records(part, "Vulnerabilities"):
            yield Problem(
                record,
                "vulnerability",
                title=record.text("Title"),
                rule_id=record.text("Cve", "Id", "ID"),
                cvss_vector=record.text("CvssVector"),
                cvss_score=record.number("CvssScore") or None,
                cwes=record.text("Title"),
                ids=(record.text("Cve"),),
                description=record.text("Description"),
                references=(record.text("Reference"),),
                package=package(None, purl=part.text("Coordinates")),
                suppressed=record.flag("Excluded") is True,
            )


@reads("mix-audit", lambda report: report.has("pass", "vulnerabilities"))
def mix_audit(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.records(report, "vulnerabilities"):
        advisory, part = record["advisory"], record["dependency"]
        yield Problem(
            record,
            "vulnerability",
            title=advisory.text("title"),
            rule_id=advisory.text("id"),
            severity=advisory.text("severity"),
            ids=(advisory.text("id"), advisory.text("cve")),
            description=advisory.text("description"),
            references=(advisory.text("url"),),
            path=part.text("lockfile"),
            package=package(
                part.text("package"),
                of="hex",
                version=part.text("version"),
                fixed=lower_bounds(*advisory.texts("first_patched_versions")),
            ),
        )


def claims_dotnet(report: Node) -> bool:
    return "projects" in report and ("--vulnerable" in (report.text("parameters") or "") or any(
        "vulnerabilities" in each for project in early(report, "projects") for framework in project.items("frameworks")
        for each in framework.items("topLevelPackages") + framework.items("transitivePackages")))  # fmt: skip


@reads("dotnet-list", claims_dotnet)
def dotnet_list(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for problem in report.items("problems"):
        ledger.warn(f"dotnet says of {problem.text('project')}: {problem.text('text')}")
    for project in ledger.records(report, "projects"):
        for framework in ledger.records(project, "frameworks"):
            for kind in ("topLevelPackages", "transitivePackages"):
                for part in ledger.records(framework, kind):
                    for record in ledger.records(part, "vulnerabilities"):
                        yield Problem(
                            record,
                            "vulnerability",
                            title=f"Vulnerability in {part.text('id')}",
                            rule_id=next(iter(ids_in(record.text("advisoryurl"))), None),
                            severity=record.text("severity"),
                            ids=ids_in(record.text("advisoryurl")),
                            references=(record.text("advisoryurl"),),
                            path=project.text("path"),
                            package=package(part.text("id"), of="nuget", version=part.text("resolvedVersion")),
                        )


@reads("jfrog-xray", lambda report: report.has("total_rows", "rows"))
def jfrog_xray(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """The vulnerabilities report of Xray ("unified")."""
    ledger.counted(report.integer("total_rows"), report["rows"])
    for record in ledger.records(report, "rows"):
        cves = record.items("cves")
        kind, _, part = (record.text("vulnerable_component") or "").partition("://")
        name, _, version = part.rpartition(":")
        yield Problem(
            record,
            "vulnerability",
            title=f"{next((each.text('cve') for each in cves), record.text('issue_id'))} in {name or part}",
            rule_id=record.text("issue_id"),
            severity=record.text("severity"),
            cvss_vector=next((each.text("cvss_v3_vector") for each in cves), None),
            cvss_score=record.number("cvss3_max_score"),
            cwes=[each["cwe"] for each in cves],
            ids=[each.text("cve") for each in cves],
            description=record.text("description", "summary"),
            references=record.texts("references"),
            path=record.text("path"),
            package=package(
                name or part,
                of="maven" if kind == "gav" else kind,
                version=version,
                fixed=record.texts("fixed_versions"),
            ),
        )


@reads(
    "php-security-checker",
    lambda report: some(Node([each.value for _, each in report.fields()]), "version", "advisories"),
)
def php_security_checker(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """local-php-security-checker and Symfony's `security:check`: an object of packages."""
    for name, part in ledger.members(report):
        for record in ledger.records(part, "advisories"):
            cve = record.text("cve")
            yield Problem(
                record,
                "vulnerability",
                title=record.text("title"),
                rule_id=cve or record.text("link"),
                ids=(cve, *ids_in(record.text("link"))),
                references=(record.text("link"),),
                package=package(name, of="composer", version=part.text("version")),
            )
