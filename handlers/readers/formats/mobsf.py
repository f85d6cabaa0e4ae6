"""MobSF's static analysis of mobile apps (JSON report): https://github.com/MobSF/Mobile-Security-Framework-MobSF.

Problems are code, manifest, binary, network, certificate and transport findings; a lone `info` or `secure` (`good`) is
none. Strings that look like secrets are counted: they hold them.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import line_range, plain
from handlers.records import Location

HARMLESS = {"info", "secure", "good", "none"}


@reads("mobsf", lambda report: report.has("app_name", "md5") and ("code_analysis" in report or "appsec" in report))
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("version")
    ledger.skip("possible secret among the app's strings", len(report.items("secrets")))
    for name in ("code_analysis", "android_api", "ios_api"):
        body = report[name]
        for rule, record in ledger.members(_inner(body)):
            yield from _code(rule, record, ledger)
    for path in ("manifest_analysis", "network_security", "certificate_analysis", "ats_analysis"):
        for record in _listed(report[path], ledger):
            yield from _statement(path, record, ledger)
    yield from _binaries(report["binary_analysis"], ledger)


def _inner(body: Node) -> Node:
    """Since version 3.5 the findings stand beside a summary."""
    return body["findings"] if body.has("findings", "summary") else body


def _listed(body: Node, ledger: Ledger) -> Iterator[Node]:
    """A list of findings, or (newer) an object with one: `manifest_findings`, …"""
    keys = [key for key, value in body.fields() if key.endswith("_findings") and value.is_list]
    for found in [body] if body.is_list else [body[key] for key in keys]:
        for record in found.items():
            if record.is_list:  # a certificate's: [severity, text] or [severity, text, title]
                words = [*(each.text() for each in record.items()), None, None]
                said = {"severity": words[0], "title": words[2] or words[1], "description": words[1]}
                yield Node(said, found, record.key)
            elif record.is_object:
                yield record
            else:
                ledger.malformed(record)


def _harmless(severity: str | None, ledger: Ledger) -> bool:
    if (severity or "").lower() in HARMLESS:
        ledger.skip("informational")
        return True
    return False


def _code(rule: str, record: Node, ledger: Ledger) -> Iterator[Problem]:
    about = record["metadata"] or record
    severity = about.text("severity", "level")
    if _harmless(severity, ledger):
        return
    places = [Location(path=path, line=line_range(lines.text())[0]) for path, lines in record.fields("files")]
    places += [
        Location(path=each.text("file_path") or each.text()) for each in record.items("files") + record.items("path")
    ]
    yield Problem(
        record,
        "code",
        title=about.text("description") or rule,
        rule_id=rule,
        severity=severity,
        cvss_score=about.number("cvss") or None,
        cwes=about["cwe"],
        description=about.text("description"),
        references=(about.text("ref"),),
        locations=places,
    )


def _statement(kind: str, record: Node, ledger: Ledger) -> Iterator[Problem]:
    severity = record.text("severity", "stat")
    if not _harmless(severity, ledger):
        title = plain(record.text("title", "issue", "name") or record.text("description"))
        yield Problem(
            record,
            "misconfiguration",
            title=title,
            rule_id=record.text("rule") or f"{kind}: {title}",
            severity=severity,
            description=plain(record.text("description", "desc")),
            symbol=", ".join(record.texts("component") + record.texts("scope")) or None,
        )


def _binaries(found: Node, ledger: Ledger) -> Iterator[Problem]:
    """By statement (iOS), or by library with a statement for each protection (Android)."""
    inner = _inner(found)
    for rule, record in inner.fields():
        if not _harmless(record.text("severity"), ledger):
            yield _binary(record, rule, None)
    for library in inner.items():
        for rule, record in library.fields():
            if record.is_object and not _harmless(record.text("severity"), ledger):
                yield _binary(record, rule, library.text("name"))


def _binary(record: Node, rule: str, path: str | None) -> Problem:
    return Problem(
        record,
        "code",
        title=rule,
        rule_id=rule,
        severity=record.text("severity"),
        cvss_score=record.number("cvss") or None,
        cwes=record["cwe"],
        description=record.text("detailed_desc", "description"),
        path=path,
    )
