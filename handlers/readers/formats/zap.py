"""ZAP's reports in JSON and XML (traditional, with and without requests).
https://www.zaproxy.org/docs/desktop/addons/report-generation/report-traditional-json/"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node, XmlNode
from handlers.readers.shapes import plain
from handlers.records import Location, Severity

RISKS: Mapping[str, Severity] = {"3": "high", "2": "medium", "1": "low", "0": "info"}
"""`riskcode`: ZAP has no critical."""


def claims_json(report: Node) -> bool:
    if "vulnerabilities" in report:
        return False  # GitLab's report of a ZAP scan, which keeps ZAP's sites beside its own list
    sites = report["site"]
    return "@programName" in report or ("@version" in report and any("alerts" in each for each in sites.entries()))


def claims_xml(report: Node) -> bool:
    return isinstance(report, XmlNode) and report.name == "OWASPZAPReport"


@reads("zap", claims_json)
def json_reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("@version")
    for site in report["site"].entries() if report["site"] else []:
        for alert in ledger.records(site, "alerts"):
            yield _problem(alert, alert.items("instances"), site.text("@name"))


@reads("zap-xml", claims_xml, kind="xml", tool="zap")
def xml_reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("version")
    for site in report.items("site"):
        for alert in site.items("alerts.alertitem"):
            instances = alert.items("instances.instance") or ([alert] if alert.text("uri") else [])
            yield _problem(alert, instances, site.text("name"))


def _problem(alert: Node, instances: list[Node], site: str | None) -> Problem:
    code = alert.text("riskcode")
    places = [_place(each) for each in instances]
    return Problem(
        alert,
        "dast",
        title=plain(alert.text("name", "alert")),
        rule_id=alert.text("alertRef", "pluginid"),
        severity=RISKS.get(code or "", alert.text("riskdesc")),
        severity_origin="riskcode",
        cwes=alert.integer("cweid"),
        description=plain(alert.text("desc")),
        remediation=plain(alert.text("solution")),
        references=(plain(alert.text("reference")) or "").split(),
        snippet=next((evidence for each in instances if (evidence := each.text("evidence"))), None),
        locations=places or [Location(url=site)],
    )


def _place(instance: Node) -> Location:
    return Location(url=instance.text("uri"), method=instance.text("method"), symbol=instance.text("param"))
