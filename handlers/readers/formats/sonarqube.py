"""SonarQube: issues and hotspots of the web API, the scanner's own report, sonar-report's JSON and HTML pages, and the
generic format for external issues.

Sources: https://docs.sonarsource.com/sonarqube-server/latest/extension-guide/web-api/ (api/issues/search,
api/hotspots/search), https://github.com/soprasteria/sonar-report, Sonar's "generic formatted issue reports".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from handlers.readers.identifiers import ids_in
from handlers.readers.interface import Ledger, MalformedError, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some
from handlers.records import Class

DONE = {"RESOLVED", "CLOSED", "REVIEWED", "ACCEPTED", "FALSE_POSITIVE", "FIXED"}
QUALITY = {"BUG", "CODE_SMELL"}


def claims(report: Node) -> bool:
    if report.is_list:
        return some(report, "rule", "component", "project")
    if not ("issues" in report or "hotspots" in report):
        return False
    known = some(report, "rule", "component", path="issues") or some(report, "ruleKey", "component", path="hotspots")
    return (
        known or report.has("issues", "sonarComponent") or (report.has("paging", "components") and "data" not in report)
    )


@reads("sonarqube", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("version")
    files = {each.text("key"): each.text("path") for each in report.items("components")}
    there = len(report.items("issues")) + len(report.items("hotspots"))
    total = report.integer("paging.total", "total")
    if total is not None and total > there:
        ledger.warn(f"one page of several: {there} of {total} issues are in this report")
    for record in ledger.records(report if report.is_list else report["issues"]):
        yield _problem(record, files, hotspot="type" not in record and record.text("status") == "TO_REVIEW")
    for record in ledger.records(report, "hotspots"):
        yield _problem(record, files, hotspot=True)


def _problem(record: Node, files: dict[str | None, str | None], *, hotspot: bool) -> Problem:
    component = record.text("component") or ""
    rule, span = record.text("rule", "ruleKey"), record["textRange"]
    status = record.text("issueStatus", "status") or ""
    dismissed = status.upper() in DONE
    message = record.text("message")
    return Problem(
        record,
        "code" if hotspot else _class(record, rule),
        title=message or record.text("description"),
        rule_id=rule,
        severity=record.text("severity", "vulnerabilityProbability") or _impact(record),
        severity_origin=next(
            (each for each in ("severity", "vulnerabilityProbability") if record.text(each)), "impacts"
        ),
        cwes=re.findall(r"CWE-\d+", " ".join((message or "", *record.texts("tags"))), re.IGNORECASE),
        ids=ids_in(message),
        description=record.text("description", "securityCategory"),
        path=files.get(component) or _path(component, record.text("project")),
        line=record.integer("line", "textRange.startLine", "startLine"),
        end_line=span.integer("endLine") or record.integer("endLine"),
        suppressed=dismissed,
        suppression=record.text("resolution") or status if dismissed else None,
    )


def _class(record: Node, rule: str | None) -> Class:
    if (rule or "").startswith("secrets:"):
        return "secret"
    qualities = {each.text("softwareQuality") for each in record.items("impacts")}
    if record.text("type") in QUALITY or (qualities and "SECURITY" not in qualities):
        return "quality"
    return "code" if "type" in record or "SECURITY" in qualities else "quality"


def _impact(record: Node) -> str | None:
    """Since version 10.2 each quality that an issue touches has a severity; the first is the main one."""
    return next((each.text("severity") for each in record.items("impacts")), None)


def _path(component: str, project: str | None) -> str | None:
    """`PROJECT:src/a.py` -> `src/a.py`; the project's own key names no file."""
    if project is not None and component == project:
        return None
    if project is not None and component.startswith(f"{project}:"):
        return component.removeprefix(f"{project}:")
    return component.rpartition(":")[2] or None


@reads("sonarqube-generic", lambda report: some(report, "ruleId", "primaryLocation", path="issues"), tool="sonarqube")
def generic(report: Node, ledger: Ledger) -> Iterator[Problem]:
    rules = {each.text("id"): each for each in report.items("rules")}
    for record in ledger.records(report, "issues"):
        place, rule = record["primaryLocation"], rules.get(record.text("ruleId"), Node(None))
        yield Problem(
            record,
            "quality" if record.text("type") in QUALITY else "code",
            title=place.text("message") or rule.text("name"),
            rule_id=record.text("ruleId"),
            severity=record.text("severity") or rule.text("severity"),
            description=rule.text("description"),
            tool=record.text("engineId") or rule.text("engineId"),
            path=place.text("filePath"),
            line=place.integer("textRange.startLine"),
            end_line=place.integer("textRange.endLine"),
        )


class _Tables(HTMLParser):
    """The rows of the outermost tables, each as the texts of its cells."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self._depth = 0
        self._cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._depth += tag == "table"
        if self._depth == 1 and tag == "tr":
            self.rows.append([])
        elif self._depth == 1 and tag in ("td", "th") and self.rows:
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag == "table" and self._depth:
            self._depth -= 1
        elif self._depth == 1 and tag in ("td", "th") and self._cell is not None:
            self.rows[-1].append(" ".join("".join(self._cell).split()))
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)


COLUMNS = {"Rule", "Severity", "Component", "Message"}


def claims_html(page: Node) -> bool:
    text = page.text() or ""
    return "<title>SonarQube Vulnerability Report" in text[:2000] or "<h1>SonarQube Vulnerability Report" in text


@reads("sonarqube-html", claims_html, kind="text", tool="sonarqube")
def html(page: Node, ledger: Ledger) -> Iterator[Problem]:
    tables = _Tables()
    tables.feed(page.text() or "")
    tables.close()
    header: list[str] = []
    for number, row in enumerate(tables.rows):
        if set(row) >= COLUMNS:
            header = row
        elif header and len(row) == len(header):
            yield _row(Node(dict(zip(header, row, strict=True)), page, f"row[{number}]"))
        elif header:
            break
    if not header:
        raise MalformedError("the page has no table of issues (Rule, Severity, Component, Line, Description, Message)")


def _row(row: Node) -> Problem:
    return Problem(
        row,
        "code",
        title=row.text("Description", "Message"),
        rule_id=row.text("Rule"),
        severity=row.text("Severity"),
        description=row.text("Message"),
        path=row.text("Component"),
        line=row.integer("Line"),
        suppressed=(row.text("Status") or "") in DONE,
    )
