"""Chef InSpec's JSON (`--reporter json` and `json-min`), and the Heimdall Data Format (HDF) that is the same shape.

Sources: https://docs.chef.io/inspec/reporters/, https://saf.mitre.org (HDF). `impact` runs from 0 to 1 (critical). One
problem a control; its failed tests are the description.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import early, some
from handlers.records import Severity

IMPACTS: tuple[tuple[float, Severity], ...] = ((0.9, "critical"), (0.7, "high"), (0.4, "medium"), (0.01, "low"))


def claims(report: Node) -> bool:
    profiles = early(report, "profiles")
    whole = bool(profiles) and all("controls" in each for each in profiles)
    return whole or (report.has("statistics", "controls") and some(report, "id", "status", path="controls"))


@reads("inspec", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("version")
    for record in ledger.records(report, "controls"):
        if _failed(record.text("status"), ledger):
            yield _problem(record, record.texts("message") or record.texts("code_desc"))
    for profile in ledger.records(report, "profiles"):
        for record in ledger.records(profile, "controls"):
            results = list(ledger.records(record, "results"))
            bad = [each for each in results if each.text("status") in ("failed", "error")]
            if bad:
                yield _problem(record, tuple(each.text("message", "code_desc") or "" for each in bad))
            else:
                said = {each.text("status") for each in results}
                ledger.skip("passed" if "passed" in said else "skipped" if said else "without a test")


def _failed(status: str | None, ledger: Ledger) -> bool:
    if status in ("failed", "error"):
        return True
    ledger.skip({"passed": "passed", None: "no status"}.get(status, "skipped"))
    return False


def _problem(record: Node, messages: tuple[str, ...]) -> Problem:
    impact = record.number("impact")
    waived = record.at("waiver_data.run").value is not None
    names = (*record.texts("tags.cve"), record.text("id"))
    return Problem(
        record,
        "vulnerability" if ids_in(*names) else "misconfiguration",
        title=record.text("title", "code_desc", "id"),
        rule_id=record.text("id"),
        severity=None if impact is None else next((word for least, word in IMPACTS if impact >= least), "info"),
        severity_origin="impact",
        cwes=[*record.texts("tags.cwe"), *record.texts("tags.cweid")],
        ids=ids_in(*names),
        description="\n".join((record.text("desc") or "", *dict.fromkeys(messages))).strip(),
        remediation=record.text("tags.fix"),
        symbol=record.text("source_location.ref"),
        line=record.integer("source_location.line"),
        suppressed=waived,
        suppression=record.text("waiver_data.justification") or "waived" if waived else None,
    )
