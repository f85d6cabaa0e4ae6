"""Kubescape's JSON, version 2 of the format: https://github.com/kubescape/opa-utils, reporthandling/v2 (PostureReport).

One problem a control that a resource fails. A control's score factor gives its severity, in the bands that CVSS has too
(opa-utils, apis/severity.go).
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node


@reads("kubescape", lambda report: report.has("summaryDetails", "results"))
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.repository = report.text("metadata.targetMetadata.gitRepoContextMetadata.remoteURL")
    resources = {each.text("resourceID"): each for each in report.items("resources")}
    for result in ledger.records(report, "results"):
        resource = resources.get(result.text("resourceID"), Node(None))
        for control in ledger.records(result, "controls"):
            status = _status(control)
            if status == "failed":
                yield _problem(control, report.at("summaryDetails.controls"), resource)
            else:
                ledger.skip(status)


def _status(control: Node) -> str:
    """Its own; before version 3 that of its rules: one failed rule fails the control."""
    own = control.text("status.status") or control.text("status")
    rules = {rule.text("status") or "" for rule in control.items("rules")}
    return own or ("failed" if "failed" in rules else next(iter(rules - {""}), "no status"))


def _problem(control: Node, summaries: Node, resource: Node) -> Problem:
    about = summaries[control.text("controlID") or ""]
    metadata = resource.at("object.metadata")
    name = (
        metadata.text("namespace"),
        resource.text("object.kind"),
        metadata.text("name") or resource.text("object.name"),
    )
    paths = [path for rule in control.items("rules") for each in rule.items("paths") if (path := _path(each))]
    return Problem(
        control,
        "misconfiguration",
        title=control.text("name") or about.text("name"),
        rule_id=control.text("controlID"),
        severity=about.text("scoreFactor"),
        severity_origin="scoreFactor",
        remediation="Set " + ", ".join(dict.fromkeys(paths)) if paths else None,
        path=resource.text("source.relativePath", "source.path"),
        symbol="/".join(filter(None, name)) or resource.text("resourceID"),
    )


def _path(each: Node) -> str | None:
    return each.text("fixPath.path", "failedPath", "deletePath", "reviewPath")
