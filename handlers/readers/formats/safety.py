"""Safety's JSON: `safety check` of version 1 (a list of lists) and 2, `safety scan` of version 3.
https://github.com/pyupio/safety, safety/formatters/json.py and schemas/v3_0."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node


def claims_1(report: Node) -> bool:
    first = report[0]
    return first.is_list and len(first.value) >= 5 and all(isinstance(each, str) for each in first.value[:5])


@reads("safety-1", claims_1, tool="safety")
def version_1(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """Each row: package, vulnerable versions, installed version, advisory, id."""
    for record in report.items():
        if not record.is_list or len(record.value) < 5:
            ledger.malformed(record, "is no list of five texts")
            continue
        name, _, version, advisory, identity = (record[column].text() for column in range(5))
        yield Problem(
            record,
            "vulnerability",
            title=f"Vulnerability {identity} in {name}",
            rule_id=identity,
            ids=ids_in(advisory),
            description=advisory,
            package=package(name, of="pypi", version=version),
        )


@reads("safety", lambda report: report.has("report_meta", "vulnerabilities"))
def version_2(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("report_meta.safety_version")
    ledger.skip("ignored in the project", len(report.items("ignored_vulnerabilities")))
    for record in ledger.records(report, "vulnerabilities"):
        identity, name = record.text("vulnerability_id"), record.text("package_name")
        ignored = record.flag("ignored") is True
        yield Problem(
            record,
            "vulnerability",
            title=f"Vulnerability {identity} in {name}",
            rule_id=identity,
            severity=record.text("severity.cvssv3.base_severity") or record.text("severity"),
            cvss_vector=record.text("severity.cvssv3.vector_string"),
            cvss_score=record.number("severity.cvssv3.base_score"),
            ids=(record.text("CVE"), *ids_in(record.text("advisory"))),
            description=record.text("advisory"),
            references=(record.text("more_info_url"),),
            package=package(
                name, of="pypi", version=record.text("analyzed_version"), fixed=record.texts("fixed_versions")
            ),
            suppressed=ignored,
            suppression=record.text("ignored_reason") if ignored else None,
        )


@reads("safety-3", lambda report: "projects" in report["scan_results"], tool="safety")
def version_3(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for project in ledger.records(report, "scan_results.projects"):
        for file in ledger.records(project, "files"):
            for part in ledger.records(file["results"], "dependencies"):
                for wanted in ledger.records(part, "specifications"):
                    for record in ledger.records(wanted["vulnerabilities"], "known_vulnerabilities"):
                        yield _known(record, part, wanted, file.text("location"))


def _known(record: Node, part: Node, wanted: Node, path: str | None) -> Problem:
    reason = record.text("ignored.code")
    return Problem(
        record,
        "vulnerability",
        title=f"Vulnerability {record.text('id')} in {part.text('name')}",
        rule_id=record.text("id"),
        description=f"Vulnerable versions: {record.text('vulnerable_spec') or 'not said'}",
        path=path,
        package=package(
            part.text("name"),
            of="pypi",
            version=(wanted.text("raw") or "").partition("==")[2] or None,
            fixed=(wanted.text("vulnerabilities.remediation.recommended"),),
        ),
        suppressed=reason is not None,
        suppression=reason,
    )
