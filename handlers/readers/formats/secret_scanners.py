"""Scanners for secrets: ggshield, whispers, Nosey Parker, Talisman.

Sources: github.com/GitGuardian/ggshield (verticals/secret/output/schemas.py), github.com/adeptex/whispers,
github.com/praetorian-inc/noseyparker (report --format json and jsonl), github.com/thoughtworks/talisman (its messages
quote what they found: they are not kept).
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some


def claims_ggshield(report: Node) -> bool:
    return "total_incidents" in report and ("scans" in report or "entities_with_incidents" in report)


@reads("ggshield", claims_ggshield)
def ggshield(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """One problem an occurrence."""
    for scan in ledger.records(report, "scans") if "scans" in report else (report,):
        ledger.counted(scan.integer("total_incidents"), scan["entities_with_incidents"])
        for file in ledger.records(scan, "entities_with_incidents"):
            for incident in ledger.records(file, "incidents"):
                for record in ledger.records(incident, "occurrences"):
                    known = incident.flag("known_secret") is True or bool(incident.text("ignore_reason"))
                    kind = incident.text("type", "detector")
                    yield Problem(
                        record,
                        "secret",
                        title=f"{kind or 'Secret'} found",
                        rule_id=kind,
                        description=f"Validity: {incident.text('validity')}" if incident.text("validity") else None,
                        path=file.text("filename"),
                        line=record.integer("line_start"),
                        end_line=record.integer("line_end"),
                        column=record.integer("index_start"),
                        suppressed=known,
                        suppression=incident.text("ignore_reason") if known else None,
                        secrets=record.texts("match"),
                    )


@reads("whispers", lambda report: some(report, "key", "value", "file", "line"))
def whispers(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.entries(report):
        yield Problem(
            record,
            "secret",
            title=f"{record.text('message') or 'Secret'}: {record.text('key') or 'no name'}",
            rule_id=record.text("rule_id"),
            severity=record.text("severity"),
            path=record.text("file"),
            line=record.integer("line"),
            symbol=record.text("key"),
            secrets=record.texts("value"),
        )


@reads("noseyparker", lambda report: some(report, "rule_name", "matches"))
def noseyparker(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """One problem a match: a place of a secret."""
    for finding in ledger.entries(report):
        rejected = "reject" in finding.texts("statuses")
        for record in ledger.records(finding, "matches"):
            source = next(iter(record.items("provenance")), record["provenance"])
            span = record.at("location.source_span")
            yield Problem(
                record,
                "secret",
                title=f"{finding.text('rule_name') or 'Secret'} found",
                rule_id=finding.text("rule_text_id", "rule_name"),
                path=source.text("path", "first_commit.blob_path", "commit_provenance.blob_path", "repo_path"),
                line=span.integer("start.line"),
                end_line=span.integer("end.line"),
                column=span.integer("start.column"),
                suppressed=rejected,
                suppression="rejected" if rejected else None,
            )


@reads("talisman", lambda report: "types" in report["summary"] and "results" in report)
def talisman(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for file in ledger.records(report, "results"):
        ledger.skip("ignored in the project", len(file.items("ignore_list")))
        for kind in ("failure_list", "warning_list"):
            for record in ledger.records(file, kind):
                yield Problem(
                    record,
                    "secret",
                    title=f"Suspicious {record.text('type') or 'content'}",
                    rule_id=record.text("type"),
                    severity=record.text("severity"),
                    path=file.text("filename"),
                )
