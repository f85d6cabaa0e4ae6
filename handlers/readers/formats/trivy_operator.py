"""Trivy Operator's custom resources, as `kubectl get … -o json` gives them: one, a list, or an object of lists by kind.
https://aquasecurity.github.io/trivy-operator/latest/docs/crds/."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import early

GROUP = "aquasecurity.github.io"


def claims(report: Node) -> bool:
    if any(GROUP in key for key, _ in report.fields()):
        return True
    resources = early(report, "items") if "items" in report else early(report)
    return any((each.text("apiVersion") or "").startswith(GROUP) for each in resources)


@reads("trivy-operator", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for resource in _resources(report, ledger):
        body = resource["report"]
        ledger.tool_version = ledger.tool_version or body.text("scanner.version")
        labels = resource.at("metadata.labels")
        parts = [labels.value.get(f"trivy-operator.{each}") for each in LABELS] if labels.is_object else []
        where = "/".join(str(each) for each in parts if each) or resource.text("metadata.name")
        for record in ledger.records(body, "vulnerabilities"):
            yield _vulnerability(record, body, where)
        for record in ledger.records(body, "secrets"):
            yield _secret(record, where)
        yield from _checks(body, None, where, ledger)
        if not resource.at("status.detailReport"):
            yield from _controls(resource, ledger)
        for result in ledger.records(resource.at("status.detailReport"), "results"):
            yield from _checks(result, result.text("severity"), where, ledger)


def _controls(resource: Node, ledger: Ledger) -> Iterator[Problem]:
    """The summary of a compliance report: controls, with how many resources fail them."""
    for record in ledger.records(resource.at("status.summaryReport"), "controlCheck"):
        failed = record.integer("totalFail") or 0
        if not failed:
            ledger.skip("passed")
            continue
        yield Problem(
            record,
            "misconfiguration",
            title=record.text("name"),
            rule_id=record.text("id"),
            severity=record.text("severity"),
            description=f"{failed} resources fail this control",
            symbol=resource.text("metadata.name"),
        )


LABELS = ("resource.namespace", "resource.kind", "resource.name", "container.name")


def _resources(report: Node, ledger: Ledger) -> Iterator[Node]:
    if report.is_object and "apiVersion" not in report:
        for _, several in ledger.members(report):
            yield from ledger.records(several)
    elif "items" in report:
        yield from ledger.records(report, "items")
    else:
        yield from ledger.entries(report)


def _vulnerability(record: Node, body: Node, where: str | None) -> Problem:
    image = ":".join(filter(None, (body.text("artifact.repository"), body.text("artifact.tag"))))
    return Problem(
        record,
        "vulnerability",
        title=record.text("title"),
        rule_id=record.text("vulnerabilityID"),
        severity=record.text("severity"),
        cvss_score=record.number("score"),
        ids=(record.text("vulnerabilityID"),),
        description=record.text("description"),
        references=(record.text("primaryLink"), *record.texts("links")),
        path=record.text("packagePath", "target"),
        symbol=where or image,
        package=package(
            record.text("resource"),
            of=record.text("packageType"),
            version=record.text("installedVersion"),
            fixed=(record.text("fixedVersion") or "").split(","),
            purl=record.text("packagePURL"),
        ),
    )


def _secret(record: Node, where: str | None) -> Problem:
    return Problem(
        record,
        "secret",
        title=record.text("title"),
        rule_id=record.text("ruleID"),
        severity=record.text("severity"),
        description=record.text("category"),
        path=record.text("target"),
        symbol=where,
        secrets=record.texts("match"),
    )


def _checks(body: Node, severity: str | None, where: str | None, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.records(body, "checks"):
        if record.flag("success"):
            ledger.skip("passed")
            continue
        identity = record.text("checkID", "id")
        yield Problem(
            record,
            "vulnerability" if ids_in(identity) else "misconfiguration",
            title=record.text("title"),
            rule_id=identity,
            severity=record.text("severity") or severity,
            ids=ids_in(identity),
            description=" ".join((*record.texts("messages"), record.text("description") or "")),
            remediation=record.text("remediation"),
            symbol=record.text("target") or where,
        )
