"""Fortify's FVDL (`audit.fvdl`, also inside an FPR) and the XML of its report generator ("Developer Workbook").

Sources: the schema xmlns://www.fortifysoftware.com/schema/fvdl (version 1.12), Audit Workbench's report definitions.
The Fortify priority follows from impact and likelihood, each 0 to 5 with its middle at 2.5 (Audit Workbench guide).
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node, XmlNode
from handlers.readers.shapes import plain

MIDDLE = 2.5


@reads("fortify-fvdl", lambda root: isinstance(root, XmlNode) and root.name == "FVDL", kind="xml", tool="fortify")
def fvdl(root: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = root.text("EngineData.EngineVersion")
    ledger.expects(root, "Vulnerabilities")
    told = {each.text("classID"): each for each in root.items("Description")}
    rules = {each.text("id"): _groups(each) for each in root.items("EngineData.RuleInfo.Rule")}
    for record in root.items("Vulnerabilities.Vulnerability"):
        kind = record["ClassInfo"]
        rule = kind.text("ClassID")
        place = _primary(record)["SourceLocation"]
        about = told.get(rule, Node(None))
        yield Problem(
            record,
            "code",
            title=": ".join(filter(None, (kind.text("Type"), kind.text("Subtype")))),
            rule_id=rule,
            severity=_priority(record, rules.get(rule, {})),
            severity_origin="Fortify priority",
            cwes=rules.get(rule, {}).get("altcategoryCWE"),
            description=plain(about.text("Abstract")),
            remediation=plain(about.text("Recommendations")),
            path=place.text("path"),
            line=place.integer("line"),
            end_line=place.integer("lineEnd"),
            column=place.integer("colStart"),
            symbol=record.at("AnalysisInfo.Unified.Context.Function").text("name"),
        )


def _groups(rule: Node) -> dict[str | None, str | None]:
    return {each.text("name"): each.text() for each in rule.items("MetaInfo.Group")}


def _primary(record: Node) -> Node:
    """The entry that stands for the trace; else the last one, where the data arrive."""
    traces = record.items("AnalysisInfo.Unified.Trace")
    nodes = [entry["Node"] for trace in traces for entry in trace.items("Primary.Entry") if "Node" in entry]
    chosen = next((each for each in nodes if each.flag("isDefault")), None)
    return chosen or (nodes[-1] if nodes else Node(None))


def _priority(record: Node, groups: dict[str | None, str | None]) -> str | None:
    said = Node({key: value for key, value in groups.items() if key})
    impact, accuracy, probability = (said.number(each) for each in ("Impact", "Accuracy", "Probability"))
    confidence = record.number("InstanceInfo.Confidence")
    if impact is None or accuracy is None or probability is None or confidence is None:
        level = record.number("InstanceInfo.InstanceSeverity", "ClassInfo.DefaultSeverity")
        return None if level is None else "high" if level >= 4 else "medium" if level >= MIDDLE else "low"
    likely = confidence * accuracy * probability / 25 >= MIDDLE
    return ("critical" if likely else "high") if impact >= MIDDLE else ("medium" if likely else "low")


@reads("fortify", lambda root: isinstance(root, XmlNode) and root.name == "ReportDefinition", kind="xml")
def report(root: Node, ledger: Ledger) -> Iterator[Problem]:
    """Issues stand in the sections that list them; charts only count."""
    ledger.expects(root, "ReportSection.SubSection")
    for section in root.items("ReportSection"):
        for part in section.items("SubSection"):
            for group in part.items("IssueListing.Chart.GroupingSection"):
                for record in group.items("Issue"):
                    yield _issue(record, group)


def _issue(record: Node, group: Node) -> Problem:
    place = record["Primary"]
    audit = {each.text("Name"): each.text("Value") for each in record.items("Tag")}
    dismissed = audit.get("Analysis") in ("Not an Issue", "False Positive")
    return Problem(
        record,
        "code",
        title=record.text("Category"),
        rule_id=record.text("ruleID", "Category"),
        severity=record.text("Friority"),
        severity_origin="Friority",
        description=plain(record.text("Abstract")),
        remediation=plain(group.text("MajorAttributeSummary.MetaInfo.Value")),
        snippet=place.text("Snippet"),
        path=place.text("FilePath", "FileName"),
        line=place.integer("LineStart"),
        suppressed=dismissed,
        suppression=audit.get("Analysis") if dismissed else None,
    )
