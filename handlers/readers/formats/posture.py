"""How a cloud account, an organisation or a site is set up: ScoutSuite, Legitify, Mozilla's HTTP Observatory; and Xeol
on software at its end of life.

Sources: github.com/nccgroup/ScoutSuite (output: `scoutsuite_results = {…}`), github.com/Legit-Labs/legitify (output
schemes), github.com/mozilla/http-observatory (docs/api.md), github.com/xeol-io/xeol (presenter/json).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from handlers.readers.identifiers import package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import EARLY, early
from handlers.records import Severity

SCOUT: dict[str, Severity] = {"danger": "high", "warning": "medium"}


@reads("scout-suite", lambda report: report.has("provider_code", "services"), tool="scoutsuite")
def scout_suite(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """One problem a resource that a rule flagged."""
    ledger.tool_version = report.text("last_run.version")
    for _, service in ledger.members(report, "services"):
        for rule, found in ledger.members(service, "findings"):
            ledger.counted(found.integer("flagged_items"), found["items"])
            flagged = found.items("items")
            ledger.skip("passed", max(0, (found.integer("checked_items") or 0) - len(flagged)))
            for record in flagged:
                yield Problem(
                    record,
                    "misconfiguration",
                    title=found.text("description"),
                    rule_id=rule,
                    severity=found.text("level"),
                    severity_origin="level",
                    scale=SCOUT,
                    description=found.text("rationale"),
                    remediation=found.text("remediation"),
                    references=found.texts("references"),
                    symbol=record.text(),
                )


@reads("legitify", lambda report: report.text("type") in ("flattened", "group-by-namespace") and "content" in report)
def legitify(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for _, body in ledger.members(report, "content"):
        policies = [body] if "policyInfo" in body else [each for _, each in ledger.members(body)]
        for policy in policies:
            about = policy["policyInfo"]
            for record in ledger.records(policy, "violations"):
                if record.text("status") != "FAILED":
                    ledger.skip(
                        {"PASSED": "passed", "SKIPPED": "not checked"}.get(record.text("status") or "", "no status")
                    )
                    continue
                yield Problem(
                    record,
                    "misconfiguration",
                    title=about.text("title"),
                    rule_id=about.text("fullyQualifiedPolicyName", "policyName"),
                    severity=about.text("severity"),
                    description="\n".join((about.text("description") or "", *about.texts("threat"))).strip(),
                    remediation="\n".join(about.texts("remediationSteps")) or None,
                    url=record.text("canonicalLink"),
                )


def _tests(report: Node) -> Node:
    """Version 2 of the API has them below the scan; before, they are the whole document."""
    below = report["tests"]
    return below if below else report


def claims_observatory(report: Node) -> bool:
    tests = [each for _, each in islice(_tests(report).fields(), EARLY)]
    return bool(tests) and all(each.has("expectation", "pass", "result") for each in tests)


@reads("mozilla-observatory", claims_observatory)
def observatory(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """Failed tests. It rates by points that a failure costs: 20 and more are high, 10 and more medium."""
    for name, record in ledger.members(_tests(report)):
        if record.flag("pass") is not False:
            ledger.skip("passed")
            continue
        lost = -(record.number("score_modifier") or 0)
        yield Problem(
            record,
            "misconfiguration",
            title=record.text("score_description") or record.text("result"),
            rule_id=record.text("result") or name,
            severity="high" if lost >= 20 else "medium" if lost >= 10 else "low",
            severity_origin="score_modifier",
            symbol=name,
        )


@reads("xeol", lambda report: any("Cycle" in each and "artifact" in each for each in early(report, "matches")) or (
    report.text("descriptor.name") == "xeol"))  # fmt: skip
def xeol(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("descriptor.version")
    for record in ledger.records(report, "matches"):
        part, cycle = record["artifact"], record["Cycle"]
        yield Problem(
            record,
            "vulnerability",
            title=f"{part.text('name')} {cycle.text('ReleaseCycle')} is at its end of life since {cycle.text('Eol')}",
            rule_id="end-of-life",
            cwes="CWE-1104",
            references=(cycle.text("ProductPermalink"),),
            path=next((each.text("path") for each in part.items("locations")), None),
            package=package(
                part.text("name"),
                of=part.text("type"),
                version=part.text("version"),
                fixed=(cycle.text("LatestRelease"),),
                purl=part.text("purl"),
            ),
        )
