"""SpotBugs' XML (FindBugs', find-sec-bugs' too): https://github.com/spotbugs/spotbugs, etc/bugcollection.xsd."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node, XmlNode
from handlers.readers.shapes import plain
from handlers.records import Severity

PRIORITIES: dict[str, Severity] = {
    "priority 1": "high",
    "priority 2": "medium",
    "priority 3": "low",
    "priority 4": "info",
    "priority 5": "info",
}
SECURITY = {"SECURITY", "MALICIOUS_CODE"}


@reads("spotbugs", lambda root: isinstance(root, XmlNode) and root.name == "BugCollection", kind="xml")
def reader(root: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = root.text("version")
    details = {pattern.text("type"): pattern.text("Details") for pattern in root.items("BugPattern")}
    for record in ledger.records(root, "BugInstance"):
        line = _source_line(record)
        method = record["Method"]
        place = (record.text("Class.classname"), method.text("name"))
        yield Problem(
            record,
            "code" if record.text("category") in SECURITY else "quality",
            title=record.text("LongMessage", "ShortMessage", "type"),
            rule_id=record.text("type"),
            severity=f"priority {record.text('priority')}",
            severity_origin="priority",
            scale=PRIORITIES,
            cwes=record.text("cweid"),
            description=plain(details.get(record.text("type"))),
            path=line.text("sourcepath", "sourcefile"),
            line=line.integer("start"),
            end_line=line.integer("end"),
            symbol=".".join(filter(None, place)) or None,
        )


def _source_line(record: Node) -> Node:
    """Its own line (the primary one, if it has several), else that of the field, method or class it names."""
    own = record.items("SourceLine")
    primary = next((each for each in own if each.flag("primary")), None) or next(iter(own), None)
    if primary is not None:
        return primary
    inner = (record.at(f"{name}.SourceLine") for name in ("Field", "Method", "Class"))
    return next((each for each in inner if each), Node(None))
