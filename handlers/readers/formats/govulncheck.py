"""govulncheck's JSON: the stream of messages (protocol 1, also as a list) and the one object before version 1.

Source: https://pkg.go.dev/golang.org/x/vuln/internal/govulncheck (Message, Finding, Frame). It may write a finding for
the module, the package and the symbol of one advisory: each is a record, and the less exact ones take the place of the
first exact one, so that they merge with it.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import early

MESSAGES = {"config", "progress", "osv", "finding", "SBOM"}


def claims_stream(report: Node) -> bool:
    """A Google SCC export is a list of objects with a `finding`, too."""
    mine = (each for each in early(report) if not each["finding"] or "osv" in each["finding"])
    return any(len(each.value) == 1 and not MESSAGES.isdisjoint(each.value) for each in mine)


@reads("govulncheck", claims_stream)
def stream(report: Node, ledger: Ledger) -> Iterator[Problem]:
    advisories: dict[str | None, Node] = {}
    for message in ledger.entries(report):
        ledger.tool_version = message.text("config.scanner_version") or ledger.tool_version
        if "osv" in message:
            advisories[message.text("osv.id")] = message["osv"]
    findings = [message["finding"] for message in report.entries() if "finding" in message]
    exact = {_subject(each): each for each in reversed(findings) if _flawed(each).text("function")}
    for finding in findings:
        yield _finding(finding, exact.get(_subject(finding), finding), advisories.get(finding.text("osv"), Node(None)))


def _flawed(finding: Node) -> Node:
    """The first frame is what is vulnerable (symbol, package or module); the last one is in the scanned code."""
    return next(iter(finding.items("trace")), Node(None))


def _subject(finding: Node) -> tuple[str | None, ...]:
    return finding.text("osv"), _flawed(finding).text("module"), _flawed(finding).text("version")


def _finding(finding: Node, exact: Node, osv: Node) -> Problem:
    shown = finding if _flawed(finding).text("function") else exact
    flawed, frames = _flawed(shown), shown.items("trace")
    own = next((frame for frame in reversed(frames) if "position" in frame), Node(None))
    fixed = (finding.text("fixed_version") or "").removeprefix("v")
    return _problem(
        finding,
        osv,
        rule_id=finding.text("osv"),
        module=flawed.text("module"),
        version=flawed.text("version"),
        fixed=fixed,
        symbol=".".join(filter(None, (flawed.text("package"), flawed.text("receiver"), flawed.text("function")))),
        position=own["position"],
    )


def claims_old(report: Node) -> bool:
    return "Vulns" in report and ("Modules" in report or "Calls" in report or not report["Vulns"])


@reads("govulncheck-old", claims_old, tool="govulncheck")
def old(report: Node, ledger: Ledger) -> Iterator[Problem]:
    versions = {each.text("Path"): each.text("Version") for each in report.items("Modules")}
    for record in ledger.records(report, "Vulns"):
        osv = record["OSV"] or record["osv"]
        found = next(iter(record.items("Modules")), Node(None))
        module = record.text("ModPath") or found.text("Path")
        yield _problem(
            record,
            osv,
            rule_id=osv.text("id"),
            module=module,
            version=versions.get(module) or found.text("FoundVersion"),
            fixed=(found.text("FixedVersion") or "").removeprefix("v") or _fixed(osv),
            symbol=".".join(filter(None, (record.text("PkgPath"), record.text("Symbol")))),
            position=Node(None),
        )


def _problem(
    record: Node,
    osv: Node,
    *,
    rule_id: str | None,
    module: str | None,
    version: str | None,
    fixed: str | None,
    symbol: str,
    position: Node,
) -> Problem:
    return Problem(
        record,
        "vulnerability",
        title=osv.text("summary") or osv.text("details"),
        rule_id=rule_id,
        severity=osv.text("severity"),
        severity_origin="osv.severity",
        ids=(rule_id, *osv.texts("aliases")),
        description=osv.text("details"),
        references=(osv.text("database_specific.url"), *(each.text("url") for each in osv.items("references"))),
        path=position.text("filename"),
        line=position.integer("line"),
        symbol=symbol or None,
        package=package(module, of="golang", version=version, fixed=(fixed,)),
    )


def _fixed(osv: Node) -> str | None:
    events = (
        event for each in osv.items("affected") for range_ in each.items("ranges") for event in range_.items("events")
    )
    return next((event.text("fixed") for event in events if "fixed" in event), None)
