"""Prowler: JSON and CSV of versions 2, 3 and later; and the two exchange formats of cloud findings that it writes too,
OCSF and AWS' ASFF, from any tool.

Sources: https://docs.prowler.com (reporting), prowler/lib/outputs; https://schema.ocsf.io (classes 2002 to 2004);
https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some
from handlers.records import Class

FAILED = {"FAIL", "FAILED", "FAILURE", "WARNING"}
PASSED = {"PASS", "PASSED", "SUCCESS"}


def _fails(status: str | None, ledger: Ledger) -> bool:
    """Whether it is a failed check; others are counted by what they say."""
    word = (status or "").upper()
    if word in FAILED:
        return True
    ledger.skip("passed" if word in PASSED else word.lower() or "no status")
    return False


@reads("prowler-2", lambda report: some(report, "Control", "Status", "Severity"), tool="prowler")
def version_2(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.entries(report):
        if _fails(record.text("Status"), ledger):
            yield Problem(
                record,
                "misconfiguration",
                title=record.text("Control"),
                rule_id=record.text("Control ID"),
                severity=record.text("Severity"),
                description=" ".join(filter(None, (record.text("Message"), record.text("Risk")))),
                remediation=record.text("Remediation"),
                references=(record.text("Doc link"),),
                symbol=_join(record.text("Account Number"), record.text("Region"), record.text("Resource ID")),
            )


@reads("prowler", lambda report: some(report, "CheckID", "Status"))
def version_3(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.entries(report):
        if _fails(record.text("Status"), ledger):
            muted = record.flag("Muted") is True
            yield Problem(
                record,
                "misconfiguration",
                title=record.text("CheckTitle"),
                rule_id=record.text("CheckID"),
                severity=record.text("Severity"),
                description=" ".join(filter(None, (record.text("StatusExtended"), record.text("Risk")))),
                remediation=record.text("Remediation.Recommendation.Text"),
                references=(record.text("Remediation.Recommendation.Url"), record.text("RelatedUrl")),
                symbol=record.text("ResourceArn", "ResourceId")
                or _join(record.text("AccountId"), record.text("Region")),
                suppressed=muted,
                suppression="muted" if muted else None,
            )


def claims_csv(table: Node) -> bool:
    columns = set(table.texts("columns"))
    return columns >= {"CHECK_ID", "STATUS", "SEVERITY"} or (
        "TITLE_ID" in columns and not columns.isdisjoint({"CHECK_RESULT", "RESULT"})
    )


@reads("prowler-csv", claims_csv, kind="csv", tool="prowler")
def from_csv(table: Node, ledger: Ledger) -> Iterator[Problem]:
    for row in ledger.records(table, "rows"):
        if _fails(row.text("STATUS", "CHECK_RESULT", "RESULT"), ledger):
            muted = (row.text("MUTED") or "").lower() == "true"
            yield Problem(
                row,
                "misconfiguration",
                title=row.text("CHECK_TITLE", "TITLE_TEXT"),
                rule_id=row.text("CHECK_ID", "TITLE_ID"),
                severity=row.text("SEVERITY", "CHECK_SEVERITY"),
                description=_sentences(
                    row.text("STATUS_EXTENDED", "CHECK_RESULT_EXTENDED", "NOTES"), row.text("RISK", "CHECK_RISK")
                ),
                remediation=row.text("REMEDIATION_RECOMMENDATION_TEXT", "CHECK_REMEDIATION"),
                references=(row.text("REMEDIATION_RECOMMENDATION_URL", "CHECK_DOC"),),
                symbol=row.text("RESOURCE_UID", "RESOURCE_ARN", "RESOURCE_ID", "CHECK_RESOURCE_ID")
                or _join(row.text("ACCOUNT_UID", "ACCOUNT_NUM", "ACCOUNT_ID"), row.text("REGION")),
                suppressed=muted,
                suppression="muted" if muted else None,
            )


def _sentences(*texts: str | None) -> str | None:
    return " ".join(filter(None, texts)) or None


def _join(*parts: str | None) -> str | None:
    return "/".join(filter(None, parts)) or None


OCSF_CLASSES: dict[int, Class] = {2002: "vulnerability", 2003: "misconfiguration", 2004: "misconfiguration"}
CLOSED = {3: "suppressed", 4: "resolved"}


def claims_ocsf(report: Node) -> bool:
    return some(report, "class_uid", "metadata", "finding_info") or some(report, "class_uid", "metadata", "finding")


@reads("ocsf", claims_ocsf)
def ocsf(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.entries(report):
        product = record.at("metadata.product")
        ledger.tool = (product.text("name") or ledger.tool).lower()
        ledger.tool_version = product.text("version") or ledger.tool_version
        status = record.text("status_code") or record.text("compliance.status")
        if status is None or _fails(status, ledger):
            yield _ocsf(record)


def _ocsf(record: Node) -> Problem:
    about = record["finding_info"] or record["finding"]
    resource = next(iter(record.items("resources")), record["resource"])
    flaw = next(iter(record.items("vulnerabilities")), Node(None))
    part = next(iter(flaw.items("affected_packages")), Node(None))
    closed = None if record.text("status_code") else CLOSED.get(record.integer("status_id") or 0)
    muted = (record.text("status") or "").lower() == "suppressed"
    return Problem(
        record,
        OCSF_CLASSES.get(record.integer("class_uid") or 0, "misconfiguration"),
        title=about.text("title"),
        rule_id=record.text("metadata.event_code") or flaw.text("cve.uid") or about.text("uid"),
        severity=record.text("severity"),
        cwes=flaw.text("cve.cwe.uid", "cwe.uid"),
        ids=(flaw.text("cve.uid"),),
        description=_sentences(record.text("status_detail"), about.text("desc")),
        remediation=record.text("remediation.desc") or flaw.text("remediation.desc"),
        references=(*record.texts("remediation.references"), *flaw.texts("references")),
        symbol=resource.text("uid", "name"),
        package=package(part.text("name"), version=part.text("version"), fixed=(part.text("fixed_in_version"),)),
        suppressed=muted or closed is not None,
        suppression="suppressed" if muted else closed,
    )


def claims_asff(report: Node) -> bool:
    return any(some(report, "SchemaVersion", "ProductArn", path=path) for path in ("", "Findings", "findings"))


@reads("asff", claims_asff)
def asff(report: Node, ledger: Ledger) -> Iterator[Problem]:
    listed = ledger.entries(report["Findings"] or report["findings"] or report)
    for record in listed:
        said = record.text("ProductFields.ProviderName", "ProductName", "GeneratorId") or ledger.tool
        ledger.tool = said.partition("\n")[0][:100].lower()
        status = record.text("Compliance.Status")
        if status is None or _fails(status, ledger):
            yield _asff(record)


def _resource(given: Node) -> str | None:
    """Its id, with the region before it where the id is none of an ARN: an account has findings in each."""
    identity = given.text("Id")
    return identity if (identity or "").startswith("arn:") else _join(given.text("Region"), identity)


def _asff(record: Node) -> Problem:
    flaws = record.items("Vulnerabilities")
    part = next((each for flaw in flaws for each in flaw.items("VulnerablePackages")), Node(None))
    workflow = record.text("Workflow.Status") or ""
    closed = workflow in ("SUPPRESSED", "RESOLVED") or record.text("RecordState") == "ARCHIVED"
    return Problem(
        record,
        "vulnerability" if flaws else "misconfiguration",
        title=record.text("Title"),
        rule_id=record.text("GeneratorId"),
        severity=record.text("Severity.Label", "FindingProviderFields.Severity.Label", "Severity.Original"),
        severity_origin="Severity.Label",
        ids=[flaw.text("Id") for flaw in flaws],
        description=record.text("Description"),
        remediation=record.text("Remediation.Recommendation.Text"),
        references=(record.text("Remediation.Recommendation.Url"),),
        symbol=_resource(next(iter(record.items("Resources")), Node(None))),
        package=package(part.text("Name"), version=part.text("Version"), fixed=(part.text("FixedInVersion"),)),
        suppressed=closed,
        suppression=(workflow or "archived").lower() if closed else None,
    )


@reads("cloudsploit", lambda report: some(report, "plugin", "status", "resource"))
def cloudsploit(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """https://github.com/aquasecurity/cloudsploit; it gives no severity."""
    for record in ledger.records(report):
        status = (record.text("status") or "").upper()
        if status not in ("FAIL", "WARN"):
            ledger.skip("passed" if status == "OK" else status.lower() or "no status")
            continue
        yield Problem(
            record,
            "misconfiguration",
            title=record.text("title"),
            rule_id=record.text("plugin"),
            description=_sentences(record.text("message"), record.text("description")),
            symbol=_join(record.text("region"), record.text("resource")),
        )
