"""Linters and probes of Kubernetes: kube-hunter, kube-linter, kube-score, kubesec, Polaris, kubeaudit.

Sources: github.com/aquasecurity/kube-hunter (modules/report), github.com/stackrox/kube-linter (internal/run),
github.com/zegl/kube-score (renderer/json_v2), github.com/controlplaneio/kubesec (pkg/ruler),
github.com/FairwindsOps/polaris (pkg/validator), github.com/Shopify/kubeaudit.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some
from handlers.records import Severity


def _join(*parts: str | None) -> str | None:
    return "/".join(filter(None, parts)) or None


@reads("kube-hunter", lambda report: report.has("nodes", "services", "vulnerabilities"))
def kube_hunter(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.records(report, "vulnerabilities"):
        yield Problem(
            record,
            "misconfiguration",
            title=record.text("vulnerability"),
            rule_id=record.text("vid"),
            severity=record.text("severity"),
            description=record.text("description"),
            references=(record.text("avd_reference"),),
            url=record.text("location"),
        )


@reads(
    "kube-linter",
    lambda report: "Reports" in report and (some(report, "Check", "Diagnostic", path="Reports") or "Checks" in report),
)
def kube_linter(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("Summary.KubeLinterVersion")
    for record in ledger.records(report, "Reports"):
        resource = record.at("Object.K8sObject")
        yield Problem(
            record,
            "misconfiguration",
            title=record.text("Diagnostic.Message"),
            rule_id=record.text("Check"),
            remediation=record.text("Remediation"),
            path=record.text("Object.Metadata.FilePath"),
            symbol=_join(resource.text("Namespace"), resource.text("GroupVersionKind.Kind"), resource.text("Name")),
        )


GRADES: dict[str, Severity] = {"grade 1": "high", "grade 5": "medium", "grade 7": "low"}
"""kube-score grades a check: 1 critical, 5 warning, 7 almost right, 10 all right."""


@reads("kube-score", lambda report: some(report, "object_name", "checks"))
def kube_score(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for resource in ledger.records(report):
        for record in ledger.records(resource, "checks"):
            grade = f"grade {record.text('grade')}"
            if record.flag("skipped") or grade not in GRADES:
                ledger.skip("skipped" if record.flag("skipped") else "passed")
                continue
            comments = [
                " ".join(filter(None, (each.text("path"), each.text("summary")))) for each in record.items("comments")
            ]
            yield Problem(
                record,
                "misconfiguration",
                title=record.text("check.name"),
                rule_id=record.text("check.id"),
                severity=grade,
                severity_origin="grade",
                scale=GRADES,
                description="\n".join(comments) or record.text("check.comment"),
                path=resource.text("file_name"),
                line=resource.integer("file_row"),
                symbol=resource.text("object_name"),
            )


@reads("kubesec", lambda report: some(report, "object", "scoring"))
def kubesec(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """`critical` rules cost points; `advise` names what would earn some."""
    for resource in ledger.entries(report):
        ledger.skip("passed", len(resource.items("scoring.passed")))
        for kind in ("critical", "advise"):
            for record in ledger.records(resource, f"scoring.{kind}"):
                yield Problem(
                    record,
                    "misconfiguration",
                    title=record.text("reason"),
                    rule_id=record.text("id", "selector"),
                    severity=kind,
                    severity_origin="scoring",
                    scale={"advise": "low"},
                    path=resource.text("fileName"),
                    symbol=resource.text("object"),
                )


@reads("polaris", lambda report: report.has("PolarisOutputVersion", "Results"))
def polaris(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for resource in ledger.records(report, "Results"):
        pod = resource["PodResult"]
        name = _join(resource.text("Namespace"), resource.text("Kind"), resource.text("Name"))
        for part in (resource, pod, *pod.items("ContainerResults")):
            for _, record in ledger.members(part, "Results"):
                if record.flag("Success") is not False:
                    ledger.skip("passed")
                    continue
                yield Problem(
                    record,
                    "misconfiguration",
                    title=record.text("Message"),
                    rule_id=record.text("ID"),
                    severity=record.text("Severity"),
                    scale={"danger": "high", "warning": "medium"},
                    description=record.text("Category"),
                    symbol=_join(name, part.text("Name") if part not in (resource, pod) else None),
                )


@reads("kubeaudit", lambda report: some(report, "AuditResultName", "level"))
def kubeaudit(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.entries(report):
        if record.text("level") == "info":
            ledger.skip("informational")
            continue
        yield Problem(
            record,
            "misconfiguration",
            title=record.text("msg"),
            rule_id=record.text("AuditResultName"),
            severity=record.text("level"),
            severity_origin="level",
            symbol=_join(
                record.text("ResourceNamespace"),
                record.text("ResourceKind"),
                record.text("ResourceName"),
                record.text("Container"),
            ),
        )
