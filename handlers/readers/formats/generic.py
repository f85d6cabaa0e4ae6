"""The format for everything else, as JSON, JSON Lines and CSV: docs/generic-format.md describes it.

Asked last: a record needs `title`, `severity` and one field more. Names that other tools' exchange formats use for the
same thing are understood too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import get_args

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, MalformedError, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import early
from handlers.records import Class

CLASSES: tuple[Class, ...] = get_args(Class)
REQUIRED = {"title", "severity"}
FIELDS = {"class", "rule_id", "path", "file_path", "url", "ids", "cve", "cwe", "cwes", "package", "description"}


def _is_record(each: Node) -> bool:
    return _fits(set(each.value))


def _fits(names: set[str]) -> bool:
    return names >= REQUIRED and not names.isdisjoint(FIELDS)


EMPTY = {"findings", "results", "issues", "alerts", "leaks", "matches", "errors"}
"""Lists that are all that several tools write when they found nothing."""


def _says_nothing(report: Node) -> bool:
    lists = [value.value for _, value in report.fields()]
    return bool(lists) and set(report.value) <= EMPTY and lists == [[]] * len(lists) and set(report.value) != {"errors"}


def claims(report: Node) -> bool:
    if _says_nothing(report) or ("findings" in report and report["findings"].value == []):
        return True
    return any(map(_is_record, early(report, "findings") if "findings" in report else early(report)))


@reads("generic", claims, last_resort=True)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    if _says_nothing(report):
        ledger.tool = "unknown"
        ledger.statements += 1
        ledger.warn("empty lists and nothing else: which tool wrote it can't be told")
        return
    if "findings" in report and not report["findings"] and "tool" not in report:
        ledger.warn("an empty list of findings: which tool wrote it can't be told")
    if "findings" in report:
        ledger.tool = (report.text("tool", "type", "scanner") or ledger.tool).lower()
        ledger.tool_version = report.text("tool_version", "version")
        ledger.repository = report.text("repository")
    yield from _problems(ledger.records(report, "findings") if "findings" in report else ledger.entries(report), ledger)


def claims_csv(table: Node) -> bool:
    return _fits({column.strip().lower() for column in table.texts("columns")})


@reads("generic-csv", claims_csv, kind="csv", tool="generic", last_resort=True)
def from_csv(table: Node, ledger: Ledger) -> Iterator[Problem]:
    lower = (Node({key.strip().lower(): cell.value for key, cell in row.fields()}, row.parent, row.key)
             for row in ledger.records(table, "rows"))  # fmt: skip
    yield from _problems(lower, ledger)


def _problems(records: Iterable[Node], ledger: Ledger) -> Iterator[Problem]:
    kept = 0
    for record in records:
        if record.text("title"):
            kept += 1
            yield _problem(record, ledger)
        else:
            ledger.malformed(record, "has no title")
    if not kept and ledger.skipped["malformed"]:
        raise MalformedError("none of its records has a title")


def _problem(record: Node, ledger: Ledger) -> Problem:
    suppressed = bool(record.flag("suppressed") or record.flag("false_p") or record.flag("duplicate"))
    return Problem(
        record,
        _class(record, ledger),
        title=record.text("title"),
        rule_id=record.text("rule_id", "rule", "vuln_id_from_tool", "check_id"),
        severity=record.text("severity"),
        cvss_vector=record.text("cvss_vector", "cvssv4", "cvssv3"),
        cvss_score=record.number("cvss_score", "cvssv4_score", "cvssv3_score"),
        cwes=[*_words(record, "cwes"), *_words(record, "cwe"), *_words(record, "cweid")],
        ids=ids_in(*(word for key in ("ids", "cve", "vulnerability_ids", "vuln_ids") for word in _words(record, key))),
        description=record.text("description"),
        remediation=record.text("remediation", "mitigation", "fix"),
        references=_words(record, "references"),
        snippet=record.text("snippet"),
        path=record.text("path", "file_path", "file", "filename"),
        line=record.integer("line", "line_number"),
        end_line=record.integer("end_line"),
        url=record.text("url", "endpoint"),
        method=record.text("method"),
        symbol=record.text("symbol", "resource"),
        package=package(
            record.text("package", "package.name", "component_name", "component"),
            of=record.text("ecosystem", "package.ecosystem"),
            version=record.text("version", "package.version", "component_version", "installed_version"),
            fixed=_words(record, "fixed_versions")
            or _words(record, "fix_version")
            or record.texts("package.fixed_versions"),
            purl=record.text("purl", "package.purl"),
        ),
        suppressed=suppressed,
        suppression=record.text("suppression"),
        tool=record.text("tool"),
        repository=record.text("repository"),
        secrets=record.texts("secret"),
    )


def _class(record: Node, ledger: Ledger) -> Class:
    """As said; else by what the record has."""
    said = (record.text("class") or "").lower()
    for known in CLASSES:
        if known == said:
            return known
    if said:
        ledger.warn(f"the class {said[:40]!r} is none of {', '.join(CLASSES)}")
    if record.text("secret"):
        return "secret"
    if record.text("package", "package.name", "component_name", "purl", "cve"):
        return "vulnerability"
    return "dast" if record.text("url", "endpoint") else "code"


def _words(record: Node, key: str) -> tuple[str, ...]:
    """A list (of texts, or of objects with one value each), or a text with commas, semicolons or spaces between."""
    given = record[key]
    if given.is_list:
        words = (each.text() or next((value.text() for _, value in each.fields()), None) for each in given.items())
        return tuple(word for word in words if word)
    return tuple((given.text() or "").replace(",", " ").replace(";", " ").split())
