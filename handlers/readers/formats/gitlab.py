"""GitLab's security reports of all kinds and versions, the bare list before 2.0 and analyzers' cut-down ones included.

Source: https://gitlab.com/gitlab-org/security-products/security-report-schemas (sast, dependency-scanning,
container-scanning, cluster-image-scanning, secret-detection, dast, api-fuzzing, coverage-fuzzing).
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some
from handlers.records import Class, Package

CLASSES: dict[str, Class] = {
    "sast": "code",
    "secret_detection": "secret",
    "dependency_scanning": "vulnerability",
    "container_scanning": "vulnerability",
    "cluster_image_scanning": "vulnerability",
    "dast": "dast",
    "api_fuzzing": "dast",
    "coverage_fuzzing": "code",
}
FRAME = {"version", "remediations", "scan", "dependency_files", "schema", "__comment__"}
SECRET_RULES = ("gitleaks", "trufflehog")
WEAKNESSES = ("cwe", "owasp", "wasc")


def claims(report: Node) -> bool:
    if report.is_list:
        return some(report, "identifiers", "location", "category")
    if not report["vulnerabilities"].is_list or "bomFormat" in report or "document" in report:
        return False
    return some(report, "identifiers", "location", path="vulnerabilities") or (
        not report["vulnerabilities"] and set(report.value) <= FRAME | {"vulnerabilities"}
    )


@reads("gitlab", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    scan = report["scan"]
    if report.is_object and set(report.value) <= {"vulnerabilities", "__comment__"} and not report["vulnerabilities"]:
        ledger.tool = "unknown"
        ledger.warn("an empty list of vulnerabilities: which tool wrote it can't be told")
    ledger.tool = (scan.text("scanner.id") or ledger.tool).lower()
    ledger.tool_version = scan.text("scanner.version")
    if scan.text("status") == "failure":
        said = [each.text("value") for each in scan.items("messages")]
        ledger.scan_failed("; ".join(filter(None, said)) or "the report says that the scan failed")
    managers = {each.text("path"): each.text("package_manager") for each in report.items("dependency_files")}
    for record in ledger.records(report if report.is_list else report["vulnerabilities"]):
        yield _problem(record, scan.text("type"), managers)


def _problem(record: Node, scan_type: str | None, managers: dict[str | None, str | None]) -> Problem:
    place, names = record["location"], record.items("identifiers")
    class_ = _class(record, scan_type)
    message = record.text("message")
    cvss = next(iter(record.items("cvss_vectors")), Node(None))
    return Problem(
        record,
        class_,
        title=record.text("name") or message or _title(names, place),
        rule_id=_rule(names),
        severity=record.text("severity"),
        cvss_vector=cvss.text("vector"),
        cwes=[each.text("value") for each in names if each.text("type") == "cwe"],
        ids=ids_in(*(each.text(key) for each in names for key in ("value", "name")), record.text("cve")),
        description=record.text("description") or message,
        remediation=record.text("solution"),
        references=[each.text("url") for each in (*record.items("links"), *names)],
        snippet=None if class_ == "secret" else record.text("raw_source_code_extract"),
        path=place.text("file"),
        line=place.integer("start_line"),
        end_line=place.integer("end_line"),
        url=_url(place),
        method=place.text("method") if "hostname" in place else None,
        symbol=_symbol(place),
        package=_package(place, managers),
        tool=record.text("scanner.id", "tool"),
        secrets=record.texts("raw_source_code_extract") if class_ == "secret" else (),
    )


def _class(record: Node, scan_type: str | None) -> Class:
    """By the scan's type or the record's category; without both by what the record has."""
    place = record["location"]
    known = CLASSES.get(scan_type or "") or CLASSES.get(record.text("category") or "")
    if known is not None:
        return known
    if place.text("dependency.package.name"):
        return "vulnerability"
    if any((each.text("type") or "").startswith(SECRET_RULES) for each in record.items("identifiers")):
        return "secret"
    return "dast" if "hostname" in place else "code"


def _title(names: list[Node], place: Node) -> str | None:
    part = place.text("dependency.package.name")
    return f"{_rule(names) or 'Vulnerability'} in {part}" if part else _rule(names)


def _rule(names: list[Node]) -> str | None:
    """The scanner's own name for it, else the first one."""
    own = (each.text("value") for each in names if each.text("type") not in WEAKNESSES)
    return next(own, None) or next((each.text("name") for each in names), None)


def _url(place: Node) -> str | None:
    host, path = place.text("hostname"), place.text("path") or ""
    return f"{host}{path}" if host else None


def _symbol(place: Node) -> str | None:
    if "hostname" in place:
        return place.text("param")
    names = ".".join(filter(None, (place.text("class"), place.text("method"))))
    image = place.text("image")
    return names or (image if image != "Unknown" else None) or place.text("crash_state")


def _package(place: Node, managers: dict[str | None, str | None]) -> Package | None:
    """The ecosystem is that of the lock file's package manager, or of the image's system (`debian 10.9`)."""
    system = (place.text("operating_system") or "").partition(" ")[0]
    manager = managers.get(place.text("file")) if "file" in place else system.partition(":")[0]
    return package(place.text("dependency.package.name"), of=manager or None, version=place.text("dependency.version"))
