"""GitHub's alerts: code scanning, secret scanning, Dependabot; from REST, GraphQL and webhooks.

Sources: https://docs.github.com/en/rest (code-scanning, secret-scanning, dependabot), the GraphQL object
RepositoryVulnerabilityAlert, and https://docs.github.com/en/webhooks/webhook-events-and-payloads. An alert that is not
open any more (fixed, dismissed, resolved) is suppressed. `gh api --paginate --slurp` makes a list of lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import EARLY

OPEN = {"open", "created", "reopened", "auto_reopened"}


def _pages(report: Node) -> Iterator[Node]:
    """The alerts of a list, of a list of pages, of one alert or of a webhook's payload."""
    for each in report.entries():
        if each.is_list:
            yield from each.items()
        elif each["alert"].is_object:
            yield each["alert"]
        else:
            yield each


def _alerts(report: Node, ledger: Ledger) -> Iterator[Node]:
    for each in _pages(report):
        if each.is_object:
            above = each.parent or each  # of a webhook's alert: the payload
            ledger.repository = each.text("repository.html_url", "html_url", "repository.full_name") or above.text(
                "repository.html_url", "repository.full_name"
            )
            yield each
        else:
            ledger.malformed(each)


def _claims(*wanted: str) -> Callable[[Node], bool]:
    def claims(report: Node) -> bool:
        if not report.is_object and not report.is_list:
            return False
        first = report.value[:EARLY] if report.is_list else report.value
        return any(each.has(*wanted) for each in _pages(Node(first)))

    return claims


@reads("github-code-scanning", _claims("number", "rule", "tool"))
def code_scanning(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for alert in _alerts(report, ledger):
        rule = alert["rule"]
        instance = alert["most_recent_instance"] or next(iter(alert.items("instances")), Node(None))
        place, level = instance["location"], rule.text("security_severity_level")
        advisories = ids_in(rule.text("id"))
        ledger.tool = (alert.text("tool.name") or ledger.tool).lower()
        suppressed, why = _state(alert, alert.text("dismissed_reason"))
        yield Problem(
            alert,
            "vulnerability" if advisories else "code",
            title=rule.text("description", "name", "id"),
            rule_id=rule.text("id"),
            severity=level or rule.text("severity"),
            severity_origin="security_severity_level" if level else "rule.severity",
            cwes=rule["tags"],
            ids=advisories,
            description=instance.text("message.text") or rule.text("full_description"),
            remediation=rule.text("help"),
            references=(alert.text("html_url"), rule.text("help_uri")),
            path=place.text("path"),
            line=place.integer("start_line"),
            end_line=place.integer("end_line"),
            column=place.integer("start_column"),
            tool=ledger.tool,
            suppressed=suppressed,
            suppression=why,
        )


@reads("github-secret-scanning", _claims("number", "secret_type"))
def secret_scanning(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for alert in _alerts(report, ledger):
        kind = alert.text("secret_type_display_name", "secret_type")
        place = alert["first_location_detected"] or next(iter(alert.items("locations")), Node(None))["details"]
        suppressed, why = _state(alert, alert.text("resolution"))
        yield Problem(
            alert,
            "secret",
            title=f"{kind or 'Secret'} in the repository",
            rule_id=alert.text("secret_type"),
            description=f"Validity: {alert.text('validity')}" if alert.text("validity") else None,
            references=(alert.text("html_url"),),
            path=place.text("path"),
            line=place.integer("start_line"),
            end_line=place.integer("end_line"),
            suppressed=suppressed,
            suppression=why,
            secrets=alert.texts("secret"),
        )


@reads("github-dependabot", _claims("number", "dependency", "security_advisory"), tool="dependabot")
def dependabot(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for alert in _alerts(report, ledger):
        flaw, part = alert["security_vulnerability"], alert["dependency"]
        yield _dependency(
            alert,
            advisory=alert["security_advisory"],
            flaw=flaw,
            manifest=part.text("manifest_path"),
            fixed=flaw.text("first_patched_version.identifier", "first_patched_version"),
            part=part["package"] or flaw["package"],
            version=None,
        )


@reads("github-repository-alert", _claims("affected_package_name", "external_identifier"), tool="dependabot")
def repository_alert(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """The payload of the webhook that Dependabot's alerts had before 2022."""
    for alert in _alerts(report, ledger):
        suppressed, why = _state(alert, alert.text("dismiss_reason"))
        yield Problem(
            alert,
            "vulnerability",
            title=f"{alert.text('external_identifier')} in {alert.text('affected_package_name')}",
            rule_id=alert.text("ghsa_id", "external_identifier"),
            severity=alert.text("severity"),
            ids=(alert.text("external_identifier"), alert.text("ghsa_id")),
            references=(alert.text("external_reference"),),
            package=package(alert.text("affected_package_name"), fixed=(alert.text("fixed_in"),)),
            suppressed=suppressed,
            suppression=why,
        )


@reads("github-graphql", lambda report: next(_graph_alerts(report, 0), None) is not None, tool="dependabot")
def graphql(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for error in report.items("errors"):
        ledger.scan_failed(f"GitHub says: {error.text('message')}")
    for connection in _graph_alerts(report, 0):
        if not connection.is_object:
            ledger.malformed(connection)
            continue
        if connection.flag("pageInfo.hasNextPage"):
            ledger.warn(f"{connection.pointer} is one page of several: the alerts of the next pages are not in it")
        ledger.repository = connection.parent.text("url", "nameWithOwner") if connection.parent else None
        edges = [edge["node"] for edge in connection.items("edges")]
        for alert in edges or ledger.records(connection, "nodes"):
            flaw = alert["securityVulnerability"]
            yield _dependency(
                alert,
                advisory=alert["securityAdvisory"] or flaw["advisory"],
                flaw=flaw,
                manifest=alert.text("vulnerableManifestPath", "vulnerableManifestFilename"),
                fixed=flaw.text("firstPatchedVersion.identifier"),
                part=flaw["package"],
                version=(alert.text("vulnerableRequirements") or "").removeprefix("=").strip() or None,
            )


def _graph_alerts(node: Node, depth: int) -> Iterator[Node]:
    """Every `vulnerabilityAlerts` below repositories, searches and organisations."""
    if depth > 8 or (depth == 0 and "data" not in node):
        return
    for key, value in node.fields():
        if key == "vulnerabilityAlerts" and value.value is not None:
            yield value
        elif value.is_object:
            yield from _graph_alerts(value, depth + 1)
        elif key in ("nodes", "edges"):
            for each in value.items():
                yield from _graph_alerts(each, depth + 1)


def _dependency(
    alert: Node, *, advisory: Node, flaw: Node, manifest: str | None, fixed: str | None, part: Node, version: str | None
) -> Problem:
    suppressed, why = _state(alert, alert.text("dismissed_reason", "dismissReason"))
    names = [each.text("value") for each in advisory.items("identifiers")]
    cwes = [each.text("cwe_id", "cweId") for each in advisory.items("cwes") + advisory.items("cwes.nodes")]
    return Problem(
        alert,
        "vulnerability",
        title=advisory.text("summary"),
        rule_id=advisory.text("ghsa_id", "ghsaId") or next(iter(names), None),
        severity=flaw.text("severity") or advisory.text("severity"),
        cvss_vector=advisory.text("cvss.vector_string", "cvss.vectorString"),
        cvss_score=advisory.number("cvss.score") or None,
        cwes=cwes,
        ids=(advisory.text("ghsa_id", "ghsaId"), advisory.text("cve_id"), *names),
        description=advisory.text("description"),
        remediation=f"Upgrade to {fixed}" if fixed else None,
        references=(alert.text("html_url"), *(each.text("url") for each in advisory.items("references"))),
        path=manifest,
        package=package(part.text("name"), of=part.text("ecosystem"), version=version, fixed=(fixed,)),
        suppressed=suppressed,
        suppression=why,
    )


def _state(alert: Node, reason: str | None) -> tuple[bool, str | None]:
    """Whether the alert is closed, and why. Some exports write `None` as a text."""
    state = (alert.text("state") or "open").lower()
    if state in OPEN:
        return False, None
    return True, f"{state}: {reason}" if reason and reason != "None" else state
