"""Wapiti's JSON and XML: https://github.com/wapiti-scanner/wapiti, wapitiCore/report. Anomalies (answers of a server in
trouble) and additional information (what runs there) are counted, no problems."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node, XmlNode
from handlers.records import Severity

LEVELS: dict[str, Severity] = {
    "level 0": "info",
    "level 1": "low",
    "level 2": "medium",
    "level 3": "high",
    "level 4": "critical",
}


@reads("wapiti", lambda report: report.has("classifications", "vulnerabilities"))
def from_json(report: Node, ledger: Ledger) -> Iterator[Problem]:
    infos = report["infos"]
    ledger.tool_version = (infos.text("version") or "").removeprefix("Wapiti ") or None
    for section, name in (("anomalies", "anomaly"), ("additionals", "additional information")):
        ledger.skip(name, sum(len(found.items()) for _, found in report.fields(section)))
    for kind, found in ledger.members(report, "vulnerabilities"):
        about = report["classifications"][kind]
        references = [(key, text) for key, value in about.fields("ref") if (text := value.text())]
        for record in ledger.records(found):
            yield _problem(record, kind, about.text("desc"), about.text("sol"), references, infos.text("target"))


@reads("wapiti-xml", lambda root: isinstance(root, XmlNode) and root.name == "report" and "report_infos" in root,
       kind="xml", tool="wapiti")  # fmt: skip
def from_xml(root: Node, ledger: Ledger) -> Iterator[Problem]:
    infos = {each.text("name"): each.text() for each in root.items("report_infos.info")}
    ledger.tool_version = (infos.get("generatorVersion") or "").removeprefix("Wapiti ") or None
    for section, single, name in (
        ("anomalies", "anomaly", "anomaly"),
        ("additionals", "additional", "additional information"),
    ):
        ledger.skip(name, sum(len(each.items("entries.entry")) for each in root.items(f"{section}.{single}")))
    ledger.expects(root, "vulnerabilities")
    for kind in root.items("vulnerabilities.vulnerability"):
        references = [(each.text("title") or "", each.text("url") or "") for each in kind.items("references.reference")]
        for record in kind.items("entries.entry"):
            yield _problem(
                record,
                kind.text("name"),
                kind.text("description"),
                kind.text("solution"),
                references,
                infos.get("target"),
            )


def _problem(
    record: Node,
    kind: str | None,
    description: str | None,
    solution: str | None,
    references: list[tuple[str, str]],
    target: str | None,
) -> Problem:
    path = record.text("path") or ""
    root = "/".join((target or "").split("/")[:3])
    return Problem(
        record,
        "dast",
        title=record.text("info") or kind,
        rule_id=kind,
        severity=f"level {record.text('level')}",
        severity_origin="level",
        scale=LEVELS,
        cwes=[title for title, _ in references],
        description=description,
        remediation=solution,
        references=[url for _, url in references],
        url=path if "://" in path else f"{root}{path}",
        method=record.text("method"),
        symbol=record.text("parameter"),
    )
