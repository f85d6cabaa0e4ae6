"""OSV-Scanner's JSON, v1 and v2: https://google.github.io/osv-scanner/output/#json"""

from __future__ import annotations

import re
from collections.abc import Iterator

from handlers.readers.identifiers import package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import early


def claims(report: Node) -> bool:
    results = early(report, "results")
    if not results:
        return report["results"].is_list and any(key.startswith("experimental_") for key in report.value)
    return all(each.has("packages", "source") for each in results)


PREAMBLE = re.compile(
    r"-{3}\s*_-= Per source details\..*?=-_\s*|^#+ Source: \S+ \([0-9a-f]{64}\)\s*", re.MULTILINE | re.DOTALL
)
"""What the database of malicious packages puts before the words about one."""


@reads("osv-scanner", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for result in ledger.records(report, "results"):
        for found in ledger.records(result, "packages"):
            groups = {name: group for group in found.items("groups") for name in group.texts("ids")}
            for record in ledger.records(found, "vulnerabilities"):
                yield _vulnerability(record, found, groups.get(record.text("id") or "", Node(None)), result)
            if violations := found.texts("license_violations"):
                ledger.skip("licence violations beside the vulnerabilities", len(violations))
                ledger.warn(f"licence violations of packages are not counted: {', '.join(violations[:5])}")


def _vulnerability(record: Node, found: Node, group: Node, result: Node) -> Problem:
    name = record.text("id")
    vector = max((each.text("score") or "" for each in record.items("severity")), default="")
    package_ = found["package"]
    return Problem(
        record,
        "vulnerability",
        title=record.text("summary") or f"{name} in {package_.text('name')}",
        rule_id=name,
        severity=group.text("max_severity") or record.text("database_specific.severity"),
        severity_origin="max_severity" if group.text("max_severity") else "database_specific.severity",
        cvss_vector=vector if "/" in vector else None,
        cwes=[record.texts("database_specific.cwe_ids"), [each.text("cweId") for each in _cwes(record)]],
        ids=(name, *record.texts("aliases"), *record.texts("upstream")),
        description=PREAMBLE.sub("", record.text("details") or "") or None,
        references=[each.text("url") for each in record.items("references")],
        path=result.text("source.path"),
        package=package(
            package_.text("name"),
            of=package_.text("ecosystem"),
            version=package_.text("version", "commit"),
            fixed=_fixed(record, package_.text("name")),
        ),
    )


def _cwes(record: Node) -> Iterator[Node]:
    for affected in record.items("affected"):
        yield from affected.items("database_specific.cwes")


def _fixed(record: Node, name: str | None) -> Iterator[str | None]:
    """The versions in which the advisory's ranges for this package end (OSV schema, `affected[].ranges[].events[]`)."""
    for affected in record.items("affected"):
        if affected.text("package.name") == name:
            for events in affected.items("ranges"):
                if events.text("type") != "GIT":
                    yield from (event.text("fixed") for event in events.items("events"))
