"""Reads security scanners' reports, completely and safely.

    from handlers.readers import read_report
    reading = read_report(Path("report.json"), settings.limits)   # -> Reading: status, findings, books, warnings

A report is recognised by its content, never by its name; exactly one reader claims it.

To add a format, write `formats/NAME.py`; it is found by itself:

    def claims(report: Node) -> bool:                       # content only; must be true for no other format
        return report.has("results", "metrics", "errors")

    @reads("bandit", claims)                                # kind="xml" | "csv" | "text" for other documents
    def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
        ledger.tool_version = report.text("version")
        for record in ledger.records(report, "results"):    # strict: no list -> quarantine; no object -> counted
            if record.text("status") == "passed":
                ledger.skip("passed")                       # states no problem: not "seen"
                continue
            yield Problem(record, "code", title=record.text("issue_text"), …)   # every yield is one record seen

Rules: yield one `Problem` per record that states a problem, with the report's own words (severity, CWE, ids, paths are
normalised behind you). `ledger.leave_out(why)` for a problem dropped on purpose, `ledger.warn` for what was not usable,
`ledger.scan_failed` if the report says so, `raise MalformedError` if it is not what `claims` promised. Found secrets go
into `Problem.secrets`, never into a text. `identifiers.package(…)` makes packages. `node.py` has the accessors. For
formats that are JSON arrays or JSON Lines alike, `ledger.entries(report)`. Formats of a family: one module, several
readers.
"""

from config.settings import Limits
from handlers.readers.reading import Books, Reading
from handlers.readers.report import read_bytes, read_report

VERSION = "4"
"""Raised when a report that was read before reads differently: analyses made so far are stale then."""

__all__ = ["VERSION", "Books", "Limits", "Reading", "read_bytes", "read_report"]
