"""Scanners of container images: Dockle, Docker Bench, Clair (clair-scanner and version 4), Anchore (Engine and
anchorectl), Harbor, Prisma Cloud (twistcli), Amazon ECR and Inspector.

Sources: github.com/goodwithtech/dockle (pkg/report/json.go), github.com/docker/docker-bench-security,
github.com/arminc/clair-scanner, github.com/quay/claircore (vulnerabilityreport.go), docs.anchore.com,
goharbor.io (pluggable scanner API 1.1), docs.prismacloud.io (twistcli), docs.aws.amazon.com (ECR and Inspector APIs).
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some
from handlers.records import Severity

LEVELS: dict[str, Severity] = {"fatal": "high", "warn": "medium", "info": "low"}


@reads("dockle", lambda report: report.has("summary", "details") and "fatal" in report["summary"])
def dockle(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.skip("passed", report.integer("summary.pass") or 0)
    for record in ledger.records(report, "details"):
        level = record.text("level") or ""
        if level in ("PASS", "SKIP", "IGNORE"):
            ledger.skip(level.lower())
            continue
        yield Problem(
            record,
            "misconfiguration",
            title=record.text("title"),
            rule_id=record.text("code"),
            severity=level,
            severity_origin="level",
            scale=LEVELS,
            description="\n".join(record.texts("alerts")),
            symbol=report.text("image"),
        )


@reads("docker-bench", lambda report: report.has("dockerbenchsecurity", "tests"))
def docker_bench(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("dockerbenchsecurity")
    for section in ledger.records(report, "tests"):
        for record in ledger.records(section, "results"):
            if record.text("result") != "WARN":
                ledger.skip({"PASS": "passed"}.get(record.text("result") or "", "informational"))
                continue
            yield Problem(
                record,
                "misconfiguration",
                title=record.text("desc"),
                rule_id=record.text("id"),
                severity=record.text("result"),
                severity_origin="result",
                description=record.text("details"),
                remediation=record.text("remediation"),
                symbol=section.text("desc"),
            )


@reads("klar", lambda report: report.has("LayerCount", "Vulnerabilities"))
def klar(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """Lists by severity."""
    for _, found in ledger.members(report, "Vulnerabilities"):
        for record in ledger.records(found):
            yield Problem(
                record,
                "vulnerability",
                title=f"{record.text('Name')} in {record.text('FeatureName')}",
                rule_id=record.text("Name"),
                severity=record.text("Severity"),
                ids=ids_in(record.text("Name")) or (record.text("Name"),),
                description=record.text("Description"),
                references=(record.text("Link"),),
                package=package(
                    record.text("FeatureName"),
                    of=(record.text("NamespaceName") or "").partition(":")[0],
                    version=record.text("FeatureVersion"),
                    fixed=(record.text("FixedBy"),),
                ),
            )


@reads("clair-scanner", lambda report: report.has("unapproved", "vulnerabilities"), tool="clair")
def clair_scanner(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """Also GitLab's container scanning before version 12.9."""
    for record in ledger.records(report, "vulnerabilities"):
        yield Problem(
            record,
            "vulnerability",
            title=f"{record.text('vulnerability')} in {record.text('featurename')}",
            rule_id=record.text("vulnerability"),
            severity=record.text("severity"),
            ids=(record.text("vulnerability"),),
            description=record.text("description"),
            references=(record.text("link"),),
            symbol=report.text("image"),
            package=package(
                record.text("featurename"),
                of=(record.text("namespace") or "").partition(":")[0],
                version=record.text("featureversion"),
                fixed=(record.text("fixedby"),),
            ),
        )


@reads("clair", lambda report: report.has("manifest_hash", "package_vulnerabilities"))
def clair(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """One problem a package and vulnerability."""
    for identity, found in ledger.members(report, "package_vulnerabilities"):
        part = report["packages"][identity]
        for record in found.items():
            flaw = report["vulnerabilities"][record.text() or ""]
            yield Problem(
                record,
                "vulnerability",
                title=f"{flaw.text('name')} in {part.text('name')}",
                rule_id=flaw.text("name"),
                severity=flaw.text("normalized_severity", "severity"),
                ids=ids_in(flaw.text("name")),
                description=flaw.text("description"),
                references=(flaw.text("links") or "").split(),
                package=package(
                    part.text("name"),
                    of=flaw.text("distribution.did"),
                    version=part.text("version"),
                    fixed=(flaw.text("fixed_in_version"),),
                ),
            )


def claims_anchore(report: Node) -> bool:
    path = "" if report.is_list else "vulnerabilities"
    return report.has("imageDigest", "vulnerability_type") or some(report, "vuln", "package", "severity", path=path)


@reads("anchore", claims_anchore)
def anchore(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.records(report if report.is_list else report["vulnerabilities"]):
        fix = record.text("fix")
        cvss = record.items("nvd_data") + record.items("nvdData")
        yield Problem(
            record,
            "vulnerability",
            title=f"{record.text('vuln')} in {record.text('package')}",
            rule_id=record.text("vuln"),
            severity=record.text("severity"),
            cvss_score=next((each.number("cvss_v3.base_score", "cvssV3.baseScore") for each in cvss), None),
            ids=(record.text("vuln"), *(each.text("id") for each in cvss)),
            description=record.text("extra.description"),
            references=(record.text("url"),),
            path=_told(record.text("package_path", "packagePath")),
            package=package(
                record.text("package_name", "packageName"),
                of=record.text("package_type", "packageType"),
                version=record.text("package_version", "packageVersion"),
                fixed=() if fix in (None, "None") else fix.split(", "),
            ),
        )


def _told(text: str | None) -> str | None:
    return None if text == "None" else text


def claims_harbor(report: Node) -> bool:
    """By the media type of the report, or one report alone."""
    return any(key.startswith("application/vnd.") for key, _ in report.fields()) or report.has(
        "generated_at", "scanner", "vulnerabilities"
    )


@reads("harbor", claims_harbor)
def harbor(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for body in [report] if "scanner" in report else [each for _, each in ledger.members(report)]:
        ledger.tool = (body.text("scanner.name") or ledger.tool).lower()
        ledger.tool_version = body.text("scanner.version")
        for record in ledger.records(body, "vulnerabilities"):
            yield Problem(
                record,
                "vulnerability",
                title=f"{record.text('id')} in {record.text('package')}",
                rule_id=record.text("id"),
                severity=record.text("severity"),
                cvss_vector=record.text("preferred_cvss.vector_v3"),
                cvss_score=record.number("preferred_cvss.score_v3"),
                cwes=record["cwe_ids"],
                ids=(record.text("id"),),
                description=record.text("description"),
                references=record.texts("links"),
                package=package(
                    record.text("package"), version=record.text("version"), fixed=(record.text("fix_version"),)
                ),
            )


@reads("prisma-cloud", lambda report: some(report, "vulnerabilityDistribution", path="results"))
def prisma_cloud(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for image in ledger.records(report, "results"):
        name = image.text("name", "id")
        for record in ledger.records(image, "compliances"):
            yield Problem(
                record,
                "misconfiguration",
                title=record.text("title"),
                rule_id=record.text("id"),
                severity=record.text("severity"),
                description=record.text("cause", "description"),
                symbol=name,
            )
        for record in ledger.records(image, "vulnerabilities"):
            status = record.text("status") or ""
            yield Problem(
                record,
                "vulnerability",
                title=f"{record.text('id')} in {record.text('packageName')}",
                rule_id=record.text("id"),
                severity=record.text("severity"),
                cvss_vector=record.text("vector"),
                cvss_score=record.number("cvss"),
                ids=(record.text("id"),),
                description=record.text("description"),
                references=(record.text("link"),),
                path=record.text("packagePath"),
                symbol=name,
                package=package(
                    record.text("packageName"),
                    version=record.text("packageVersion"),
                    fixed=status.removeprefix("fixed in ").split(", ") if status.startswith("fixed in ") else (),
                ),
            )


@reads("ecr", lambda report: "imageScanFindings" in report)
def ecr(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """`aws ecr describe-image-scan-findings`; enhanced findings are Inspector's."""
    if report.text("imageScanStatus.status") == "FAILED":
        ledger.scan_failed(report.text("imageScanStatus.description") or "the scan of the image failed")
    for record in ledger.records(report, "imageScanFindings.findings"):
        facts = {each.text("key"): each.text("value") for each in record.items("attributes")}
        yield Problem(
            record,
            "vulnerability",
            title=f"{record.text('name')} in {facts.get('package_name')}",
            rule_id=record.text("name"),
            severity=record.text("severity"),
            cvss_vector=facts.get("CVSS3_VECTOR") or facts.get("CVSS2_VECTOR"),
            ids=(record.text("name"),),
            description=record.text("description"),
            references=(record.text("uri"),),
            symbol=report.text("repositoryName"),
            package=package(facts.get("package_name"), version=facts.get("package_version")),
        )
    for record in ledger.records(report, "imageScanFindings.enhancedFindings"):
        yield _inspector(record)


@reads("aws-inspector", lambda report: some(report, "findingArn", "severity", path="findings"))
def inspector(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for record in ledger.records(report, "findings"):
        yield _inspector(record)


def _inspector(record: Node) -> Problem:
    about, code = record["packageVulnerabilityDetails"], record["codeVulnerabilityDetails"]
    parts = about.items("vulnerablePackages")
    part = parts[0] if parts else Node(None)
    status = record.text("status") or "ACTIVE"
    return Problem(
        record,
        "code" if code else "vulnerability" if about else "misconfiguration",
        title=record.text("title"),
        rule_id=about.text("vulnerabilityId") or code.text("detectorId") or record.text("type"),
        severity=record.text("severity"),
        cvss_score=record.number("inspectorScore"),
        cwes=[*code.texts("cwes"), *about.texts("cwes")],
        ids=(about.text("vulnerabilityId"), *about.texts("relatedVulnerabilities")),
        description=record.text("description"),
        remediation=record.text("remediation.recommendation.text"),
        references=(about.text("sourceUrl"), *about.texts("referenceUrls")),
        path=part.text("filePath") or code.text("filePath.filePath"),
        line=code.integer("filePath.startLine"),
        end_line=code.integer("filePath.endLine"),
        symbol=next((each.text("id") for each in record.items("resources")), None),
        package=package(
            part.text("name"),
            of=part.text("packageManager"),
            version=part.text("version"),
            fixed=(_told(part.text("fixedInVersion")),),
        ),
        suppressed=status != "ACTIVE",
        suppression=status.lower() if status != "ACTIVE" else None,
    )
