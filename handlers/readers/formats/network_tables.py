"""Tables of network scanners: Tenable and Nessus, Greenbone / OpenVAS, Qualys; and Qualys' three kinds of XML.

Sources: docs.tenable.com (CSV of Nessus, Security Center, Vulnerability Management), docs.greenbone.net (CSV Results),
docs.qualys.com (scan-1.dtd, asset_data_report.dtd, WAS reports, VMDR CSV). Outputs of checks are not kept. Qualys rates
1 to 5, and its types Ig and Practice are information.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node, XmlNode
from handlers.readers.shapes import plain
from handlers.records import Severity

QUALYS: dict[str, Severity] = {
    "level 5": "critical",
    "level 4": "high",
    "level 3": "medium",
    "level 2": "low",
    "level 1": "info",
}


def claims_tenable(table: Node) -> bool:
    columns = {each.lower() for each in table.texts("columns")}
    return any(columns >= known for known in (
        {"plugin id", "risk", "name"}, {"plugin", "plugin name", "severity"}, {"definition.id", "definition.name"}
    ))  # fmt: skip


@reads("tenable-csv", claims_tenable, kind="csv", tool="nessus")
def tenable(table: Node, ledger: Ledger) -> Iterator[Problem]:
    for row in ledger.records(table, "rows"):
        row = _flat(row)
        severity = row.text("Risk", "Severity", "severity", "definition severity")
        if (severity or "None").lower() in ("none", "info", "0"):
            ledger.skip("informational")
            continue
        host = row.text("FQDN", "DNS Name", "Host", "IP Address", "asset name", "asset host_name")
        port = row.text("Port", "port")
        judged = row.text("risk_modified") == "ACCEPTED" or row.text("state") == "FIXED"
        yield Problem(
            row,
            "vulnerability",
            title=row.text("Name", "Plugin Name", "definition name"),
            rule_id=row.text("Plugin ID", "Plugin", "definition id"),
            severity=severity,
            cvss_vector=row.text("CVSS3 Vector", "CVSS V3 Vector", "definition cvss3 base_vector"),
            cvss_score=row.number("CVSS3 Base Score", "CVSS V3 Base Score", "definition cvss3 base_score")
            or row.number("CVSS V2 Base Score", "CVSS", "definition cvss2 base_score"),
            cwes=row.text("definition cwe"),
            ids=ids_in(row.text("CVE", "definition cve")),
            description=row.text("Description", "definition description", "Synopsis", "definition synopsis"),
            remediation=row.text("Solution", "definition solution"),
            references=(row.text("See Also", "definition see_also") or "").replace(",", " ").split(),
            url=f"{host}:{port}" if host and port not in (None, "0") else host,
            suppressed=judged,
            suppression="risk accepted or fixed" if judged else None,
        )


def _flat(row: Node) -> Node:
    """Tenable Vulnerability Management names its columns `definition.name`: a dot would be read as a path."""
    return Node({name.replace(".", " "): cell.value for name, cell in row.fields()}, row.parent, row.key)


def claims_openvas(table: Node) -> bool:
    return {"NVT Name", "NVT OID", "Severity"} <= set(table.texts("columns"))


@reads("openvas-csv", claims_openvas, kind="csv", tool="openvas")
def openvas(table: Node, ledger: Ledger) -> Iterator[Problem]:
    for row in ledger.records(table, "rows"):
        if (row.text("Severity") or "").lower() in ("log", "none"):
            ledger.skip("log")
            continue
        host, port = row.text("Hostname", "IP"), row.text("Port")
        yield Problem(
            row,
            "vulnerability",
            title=row.text("NVT Name"),
            rule_id=row.text("NVT OID"),
            severity=row.text("Severity"),
            cvss_score=row.number("CVSS"),
            ids=ids_in(row.text("CVEs"), row.text("NVT Name")),
            description=row.text("Summary"),
            remediation=row.text("Solution"),
            url=f"{host}:{port}" if host and port else host,
        )


def claims_qualys(table: Node) -> bool:
    columns = {each.upper() for each in table.texts("columns")}
    return "QID" in columns and "SEVERITY" in columns and not columns.isdisjoint({"TITLE", "VULN TITLE"})


LETTERS: dict[str, Severity] = {"h": "high", "m": "medium", "l": "low"}


@reads("qualys-csv", claims_qualys, kind="csv", tool="qualys")
def qualys_csv(table: Node, ledger: Ledger) -> Iterator[Problem]:
    for cells in ledger.records(table, "rows"):
        row = Node({name.upper(): cell.value for name, cell in cells.fields()}, cells.parent, cells.key)
        if (row.text("TYPE") or "").lower() in ("ig", "info", "practice"):
            ledger.skip("informational")
            continue
        level = row.text("SEVERITY")
        fixed = (row.text("STATUS", "VULN STATUS") or "").lower() == "fixed"
        host, port = row.text("FQDN", "DNS", "HOSTNAME", "ASSET NAME", "IP", "ASSET IPV4"), row.text("PORT")
        yield Problem(
            row,
            "vulnerability",
            title=row.text("TITLE", "VULN TITLE"),
            rule_id=f"QID-{row.text('QID')}",
            severity=f"level {level}" if (level or "").isdigit() else level,
            scale={**QUALYS, **LETTERS},
            ids=ids_in(row.text("CVE ID"), row.text("CVE"), row.text("CVEID")),
            description=plain(row.text("THREAT")),
            remediation=plain(row.text("SOLUTION")),
            url=f"{host}:{port}" if host and port not in (None, "0") else host,
            suppressed=fixed,
            suppression="fixed" if fixed else None,
        )


def _named(root: Node, *names: str) -> bool:
    return isinstance(root, XmlNode) and root.name in names


@reads(
    "qualys-scan", lambda root: _named(root, "SCAN") and ("HEADER" in root or "IP" in root), kind="xml", tool="qualys"
)
def scan(root: Node, ledger: Ledger) -> Iterator[Problem]:
    """scan-1.dtd: `INFOS`, `SERVICES` and `PRACTICES` are no vulnerabilities."""
    ledger.expects(root, "HEADER")
    for host in root.items("IP"):
        for kind in ("INFOS", "SERVICES", "PRACTICES"):
            ledger.skip("informational", sum(len(each.items()) for each in host.items(f"{kind}.CAT")))
        for group in host.items("VULNS.CAT"):
            for record in group.items("VULN"):
                port = group.text("port")
                name = host.text("name", "value")
                cves = [each.text("ID") for each in record.items("CVE_ID_LIST.CVE_ID")]
                yield _qualys(record, record, record.text("number"), f"{name}:{port}" if port else name, cves)


@reads("qualys-assets", lambda root: _named(root, "ASSET_DATA_REPORT"), kind="xml", tool="qualys")
def assets(root: Node, ledger: Ledger) -> Iterator[Problem]:
    about = {each.text("QID"): each for each in root.items("GLOSSARY.VULN_DETAILS_LIST.VULN_DETAILS")}
    ledger.expects(root, "HEADER")
    for host in root.items("HOST_LIST.HOST"):
        for record in host.items("VULN_INFO_LIST.VULN_INFO"):
            if record.text("TYPE") in ("Ig", "Practice"):
                ledger.skip("informational")
                continue
            qid, port, name = record.text("QID"), record.text("PORT"), host.text("DNS", "IP")
            details = about.get(qid, Node(None))
            cves = [each.text("ID") for each in details.items("CVE_ID_LIST.CVE_ID")]
            yield _qualys(record, details, qid, f"{name}:{port}" if port else name, cves)


@reads("qualys-was", lambda root: _named(root, "WAS_SCAN_REPORT", "WAS_WEBAPP_REPORT"), kind="xml", tool="qualys")
def web(root: Node, ledger: Ledger) -> Iterator[Problem]:
    about = {each.text("QID"): each for each in root.items("GLOSSARY.QID_LIST.QID")}
    ledger.expects(root, "RESULTS")
    bodies = [root["RESULTS"], *root.items("RESULTS.WEB_APPLICATION")]
    for body in bodies:
        ledger.skip("informational", len(body.items("INFORMATION_GATHERED_LIST.INFORMATION_GATHERED")))
        for kind in ("VULNERABILITY", "SENSITIVE_CONTENT"):
            for record in body.items(f"{kind}_LIST.{kind}"):
                details = about.get(record.text("QID"), Node(None))
                yield _qualys(record, details, record.text("QID"), record.text("URL"), (), symbol=record.text("PARAM"))


def _qualys(
    record: Node,
    about: Node,
    qid: str | None,
    where: str | None,
    cves: list[str | None] | tuple[()],
    symbol: str | None = None,
) -> Problem:
    level = about.text("severity", "SEVERITY") or record.text("SEVERITY")
    return Problem(
        record,
        "dast" if "CWE" in about or symbol else "vulnerability",
        title=about.text("TITLE") or record.text("TITLE"),
        rule_id=f"QID-{qid}",
        severity=f"level {level}" if level else None,
        scale=QUALYS,
        cvss_score=about.number("CVSS3_BASE", "CVSS_BASE"),
        cwes=about.text("CWE"),
        ids=cves,
        description=plain(about.text("DIAGNOSIS", "THREAT", "DESCRIPTION")),
        remediation=plain(about.text("SOLUTION")),
        url=where,
        symbol=symbol,
    )
