"""Brakeman's JSON (`brakeman -f json`): https://brakemanscanner.org/docs/json/, lib/brakeman/report/report_json.rb.

Brakeman tells how sure it is, not how bad a warning would be: the severity stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node

GEM = re.compile(r"\b([A-Za-z][\w-]*)(?: gem)? (\d[\w.]*\d)\b.*\bUpgrade to (?:[A-Za-z][\w-]* )?(\d[\w.]*\d)")
"""What Brakeman says of the project's gems: `loofah gem 2.0.3 is vulnerable (…). Upgrade to 2.2.1`."""


@reads("brakeman", lambda report: report.has("scan_info", "warnings"))
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("scan_info.brakeman_version")
    ledger.skip("ignored in the project", len(report.items("ignored_warnings")))
    for error in report.items("errors"):
        ledger.warn(f"brakeman says: {error.text('error')} {error.text('location') or ''}".strip())
    for record in ledger.records(report, "warnings"):
        kind, message = record.text("warning_type"), record.text("message")
        place = [record.text("location.class"), record.text("location.method", "location.template")]
        gem = GEM.search(message or "")
        yield Problem(
            record,
            "vulnerability" if gem else "code",
            title=f"{kind}: {message}" if kind and message else message or kind,
            rule_id=record.text("check_name") or kind,
            cwes=record["cwe_id"],
            ids=ids_in(message),
            description=f"Confidence: {record.text('confidence')}" if record.text("confidence") else None,
            references=(record.text("link"),),
            snippet=record.text("code"),
            path=record.text("file"),
            line=record.integer("line"),
            symbol=".".join(filter(None, place)) or None,
            package=package(gem[1].lower(), of="gem", version=gem[2], fixed=(gem[3],)) if gem else None,
        )
