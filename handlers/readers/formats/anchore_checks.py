"""Anchore Enterprise beside its lists of vulnerabilities: checks of an image's policy (anchorectl), and the security
evaluation that the console exports. Source: docs.anchore.com (policies, image check)."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import early, some
from handlers.records import Class, Severity

LEVELS: dict[str, Severity] = {"stop": "high", "warn": "medium", "go": "info"}


def claims_policies(report: Node) -> bool:
    return any(
        some(each, "gate", "triggerId", path="detail")
        or each.has("finalAction", "policyId")
        or each.has("evaluatedTag", "policyId", "evaluations")
        for each in early(report)
    )


@reads("anchore-policies", claims_policies, tool="anchore")
def anchore_policies(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """`anchorectl image check --detail`: what an image's policy complains of."""
    for image in ledger.entries(report):
        name = image.text("tag", "evaluatedTag", "digest")
        for body in [*ledger.records(image, "evaluations")] or [image]:
            for record in (*ledger.records(body, "detail"), *ledger.records(body, "details")):
                kind: Class = "vulnerability" if record.text("gate") == "vulnerabilities" else "misconfiguration"
                allowed = record.flag("allowlisted") is True
                yield Problem(
                    record,
                    kind,
                    title=record.text("description"),
                    rule_id="/".join(filter(None, (record.text("gate"), record.text("triggerName")))),
                    severity=(record.text("description") or "").partition(" ")[0]
                    if kind == "vulnerability"
                    else record.text("status"),
                    scale=LEVELS,
                    ids=((record.text("triggerId") or "").partition("+")[0],) if kind == "vulnerability" else (),
                    symbol=record.text("tag") or name,
                    suppressed=allowed,
                    suppression="allowlisted" if allowed else None,
                )


@reads("anchore-evaluation", lambda report: "securityEvaluation" in report, tool="anchore")
def evaluation(report: Node, ledger: Ledger) -> Iterator[Problem]:
    image = "/".join(filter(None, (report.text("metadata.registry"), report.text("metadata.repository"))))
    for record in ledger.records(report, "securityEvaluation"):
        name, _, version = (record.text("package") or "").rpartition("-")
        fixed = record.text("fixAvailable")
        yield Problem(
            record,
            "vulnerability",
            title=f"{record.text('vulnerabilityId')} in {record.text('package')}",
            rule_id=record.text("vulnerabilityId"),
            severity=record.text("severity"),
            cvss_score=record.number("nvdCvssBaseScore"),
            ids=(record.text("vulnerabilityId"), *ids_in(record.text("cves"))),
            references=(record.text("link"),),
            path=record.text("path"),
            symbol=image or None,
            package=package(
                name or version,
                of=record.text("packageType"),
                version=version if name else None,
                fixed=() if fixed in (None, "None") else fixed.split(", "),
            ),
        )
