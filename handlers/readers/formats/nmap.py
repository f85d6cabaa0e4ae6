"""Nmap's XML: what its scripts found vulnerable. Open ports alone are an inventory: counted, no problems.

Sources: https://nmap.org/book/app-nmap-dtd.html; https://nmap.org/nsedoc/lib/vulns.html (tables with a state);
https://nmap.org/nsedoc/scripts/vulners.html (tables with an id and a score).
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.identifiers import ids_in
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node, XmlNode


@reads("nmap", lambda root: isinstance(root, XmlNode) and root.name == "nmaprun", kind="xml")
def reader(root: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = root.text("version")
    if root.text("runstats.finished.exit") == "error":
        ledger.scan_failed(root.text("runstats.finished.errormsg") or "nmap ended with an error")
    for host in root.items("host"):
        name = _name(host)
        for script in host.items("hostscript.script"):
            yield from _script(script, name, None, ledger)
        for port in host.items("ports.port"):
            if port.text("state.state") == "open":
                ledger.skip("open port")
            for script in port.items("script"):
                yield from _script(script, f"{name}:{port.text('portid')}", port["service"], ledger)


def _name(host: Node) -> str:
    named = (each.text("name") for each in host.items("hostnames.hostname"))
    return next(filter(None, named), None) or host.text("address.addr") or "an unnamed host"


def _script(script: Node, where: str, service: Node | None, ledger: Ledger) -> Iterator[Problem]:
    found = [table for table in _tables(script) if "state" in _elements(table) or "cvss" in _elements(table)]
    if not found:
        yield from _told_in_words(script, where, service, ledger)
    for table in found:
        values = _elements(table)
        state = values.get("state", "VULNERABLE").upper()
        if "VULNERABLE" not in state or state.startswith("NOT "):
            ledger.skip("tested, not vulnerable")
            continue
        yield _problem(table, values, script, where, service)


def _told_in_words(script: Node, where: str, service: Node | None, ledger: Ledger) -> Iterator[Problem]:
    """Scripts that print without tables: databases (vulscan, old vulners) a line an advisory, others a verdict."""
    output = script.text("output") or ""
    if script.text("id") in ("vulners", "vulscan"):
        for advisory in ids_in(output):
            yield _problem(script, {"id": advisory}, script, where, service)
    elif "VULNERABLE" in output and "NOT VULNERABLE" not in output:
        title = next((line.strip() for line in output.splitlines() if line.strip() not in ("", "VULNERABLE:")), None)
        yield _problem(script, {"title": title or "", "id": next(iter(ids_in(output)), "")}, script, where, service)
    else:
        ledger.skip("script output without a vulnerability")


def _problem(table: Node, values: dict[str, str], script: Node, where: str, service: Node | None) -> Problem:
    ids = ids_in(values.get("id"), table.text("key"), *(each.text() for each in _inner(table, "ids")))
    product = " ".join(filter(None, (service.text("product"), service.text("version")))) if service else None
    name = values.get("id") or table.text("key") or next(iter(ids), None)
    return Problem(
        table,
        "vulnerability",
        title=values.get("title") or f"{name or 'Vulnerability'} in {product or 'the service'}",
        rule_id=name or script.text("id"),
        severity=values.get("risk", "").partition(" ")[0] or None,
        severity_origin="risk factor",
        cvss_score=_score(values),
        ids=ids or (name,),
        description=" ".join(each.text() or "" for each in _inner(table, "description")) or None,
        references=[each.text() for each in _inner(table, "refs")],
        url=where,
        symbol=product,
    )


def _tables(node: Node) -> Iterator[Node]:
    """All tables of a script's result, those inside tables too."""
    for table in node.items("table"):
        yield table
        yield from _tables(table)


def _elements(table: Node) -> dict[str, str]:
    return {each.text("key") or "": each.text() or "" for each in table.items("elem")}


def _inner(table: Node, key: str) -> list[Node]:
    return [elem for each in table.items("table") if each.text("key") == key for elem in each.items("elem")]


def _score(values: dict[str, str]) -> float | None:
    try:
        return float(values.get("cvss", "")) or None
    except ValueError:
        return None
