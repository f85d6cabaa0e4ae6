"""What runs in a cluster and reports there: Popeye, NeuVector, policy reports of Kyverno and others, Wazuh.

Sources: github.com/derailed/popeye (pkg/report; `sanitizers` before 0.20, `sections` since), open-docs.neuvector.com
(REST API: scan reports, compliance), github.com/kubernetes-sigs/wg-policy-prototypes and openreports.io (PolicyReport,
Report), documentation.wazuh.com (vulnerability API of 4.7; indexed states of 4.8 and later).
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some
from handlers.records import Severity

POPEYE: dict[str, Severity] = {"level 3": "high", "level 2": "medium"}


@reads(
    "popeye", lambda report: "popeye" in report and any(key in report["popeye"] for key in ("sanitizers", "sections"))
)
def popeye(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """Levels: 0 good, 1 information, 2 warning, 3 error."""
    body = report["popeye"]
    for section in (*ledger.records(body, "sanitizers"), *ledger.records(body, "sections")):
        for resource, found in ledger.members(section, "issues"):
            for record in ledger.records(found):
                level = record.integer("level")
                if level in (0, 1):
                    ledger.skip("informational" if level else "passed")
                    continue
                code, _, words = (record.text("message") or "").partition("] ")
                yield Problem(
                    record,
                    "misconfiguration",
                    title=words or code,
                    rule_id=code.strip("[") if words else None,
                    severity=f"level {level}",
                    severity_origin="level",
                    scale=POPEYE,
                    symbol="/".join(filter(None, (section.text("sanitizer", "linter"), resource))),
                )


def _is_neuvector(report: Node) -> bool:
    return report.at("report.vulnerabilities").is_list and ("modules" in report["report"] or some(
        report, "package_name", "score_v3", path="report.vulnerabilities"))  # fmt: skip


@reads("neuvector", _is_neuvector)
def neuvector(report: Node, ledger: Ledger) -> Iterator[Problem]:
    body = report["report"]
    for record in ledger.records(body, "vulnerabilities"):
        yield Problem(
            record,
            "vulnerability",
            title=f"{record.text('name')} in {record.text('package_name')}",
            rule_id=record.text("name"),
            severity=record.text("severity"),
            cvss_vector=record.text("vectors_v3", "vectors"),
            cvss_score=record.number("score_v3", "score"),
            ids=(record.text("name"),),
            description=record.text("description"),
            references=(record.text("link"),),
            path=record.text("file_name"),
            package=package(
                record.text("package_name"),
                version=record.text("package_version"),
                fixed=(record.text("fixed_version"),),
            ),
        )
    yield from _checks(ledger.records(body, "checks"), ledger)
    for record in ledger.records(body, "secrets"):
        if record.text("type", "path"):
            secrets = record.texts("evidence")
            yield Problem(
                record, "secret", title=record.text("type"), rule_id=record.text("type"), path=record.text("path"),
                remediation=record.text("suggestion"), secrets=secrets,
            )  # fmt: skip


@reads("neuvector-compliance", lambda report: report.has("docker_cis_version", "items"), tool="neuvector")
def compliance(report: Node, ledger: Ledger) -> Iterator[Problem]:
    yield from _checks(ledger.records(report, "items"), ledger)


def _checks(records: Iterator[Node], ledger: Ledger) -> Iterator[Problem]:
    for record in records:
        level = (record.text("level") or "").upper()
        if level not in ("WARN", "HIGH", "FAIL", "ERROR"):
            ledger.skip({"PASS": "passed", "INFO": "informational", "NOTE": "informational"}.get(level, "no level"))
            continue
        yield Problem(
            record,
            "misconfiguration",
            title=record.text("description"),
            rule_id=record.text("test_number"),
            severity=level,
            severity_origin="level",
            description="\n".join(record.texts("message")),
            remediation=record.text("remediation"),
            symbol=record.text("type"),
        )


POLICIES = ("wgpolicyk8s.io/", "openreports.io/")


def _policy_reports(report: Node) -> list[Node]:
    return report.items("items") if report.text("kind") in ("List", "PolicyReportList", "ReportList",
        "ClusterPolicyReportList", "ClusterReportList") else report.entries()  # fmt: skip


def claims_policies(report: Node) -> bool:
    return any((each.text("apiVersion") or "").startswith(POLICIES) for each in _policy_reports(report)[:40])


@reads("policy-report", claims_policies)
def policies(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """One problem a result that failed, warned or could not be had, for all of its resources."""
    for body in _policy_reports(report):
        scope = body["scope"]
        for record in ledger.records(body, "results"):
            said = (record.text("result", "status") or "").lower()
            if said not in ("fail", "warn", "error"):
                ledger.skip({"pass": "passed"}.get(said, said or "no result"))
                continue
            policy, details = record.text("policy"), record["properties"]
            objects = record.items("resources") + record.items("subjects") or [scope]
            known = ids_in(policy)
            yield Problem(
                record,
                "vulnerability" if known else "misconfiguration",
                title=record.text("message") or policy,
                rule_id="/".join(filter(None, (policy, record.text("rule")))),
                severity=record.text("severity"),
                ids=known,
                tool=(record.text("source") or "").lower() or None,
                references=(details.text("primaryURL"),),
                symbol=", ".join(filter(None, (_named(each, body) for each in objects[:20]))) or None,
                package=package(
                    details.text("pkgName"),
                    version=details.text("installedVersion"),
                    fixed=(details.text("fixedVersion") or "").split(", "),
                )
                if known
                else None,
            )


def _named(resource: Node, body: Node) -> str | None:
    parts = (
        resource.text("namespace") or body.text("metadata.namespace"), resource.text("kind"), resource.text("name")
    )  # fmt: skip
    return "/".join(filter(None, parts)) if resource.text("name") else None


@reads("wazuh", lambda report: some(report, "cve", "condition", path="data.affected_items") or (
    report.has("error", "message") and report.at("data.affected_items").is_list))  # fmt: skip
def wazuh(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """The vulnerability API up to version 4.7."""
    ledger.counted(report.integer("data.total_affected_items"), report.at("data.affected_items"))
    for record in ledger.records(report, "data.affected_items"):
        closed = record.text("status") in ("SOLVED", "OBSOLETE")
        yield Problem(
            record,
            "vulnerability",
            title=record.text("title"),
            rule_id=record.text("cve"),
            severity=record.text("severity"),
            cvss_score=record.number("cvss3_score") or record.number("cvss2_score"),
            ids=(record.text("cve"),),
            references=record.texts("external_references"),
            symbol=record.text("agent_name", "agent_id"),
            package=package(record.text("name"), version=record.text("version")),
            suppressed=closed,
            suppression=record.text("status") if closed else None,
        )


def _is_state(report: Node) -> bool:
    return any("vulnerability" in each["_source"] and "agent" in each["_source"]
               for each in report.at("hits").items("hits")[:40])  # fmt: skip


@reads("wazuh-states", _is_state, tool="wazuh")
def states(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """A search of the index `wazuh-states-vulnerabilities-*`."""
    total, there = report.integer("hits.total.value"), len(report.at("hits").items("hits"))
    if total is not None and total > there:
        ledger.warn(f"this is one page of several: {there} of {total} findings are in it")
    for hit in ledger.records(report, "hits.hits"):
        flaw, part = hit.at("_source.vulnerability"), hit.at("_source.package")
        yield Problem(
            hit,
            "vulnerability",
            title=f"{flaw.text('id')} in {part.text('name')}",
            rule_id=flaw.text("id"),
            severity=flaw.text("severity"),
            cvss_score=flaw.number("score.base"),
            ids=(flaw.text("id"),),
            description=flaw.text("description"),
            references=(flaw.text("reference") or "").split(", "),
            symbol=hit.text("_source.agent.name"),
            package=package(part.text("name"), of=part.text("type"), version=part.text("version")),
        )
