"""Distils the CWE catalogue's XML (14 MB, one second) into the table that `catalogue.py` loads in milliseconds."""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from defusedxml.ElementTree import parse

from handlers.knowledge.advice import load_advice
from handlers.knowledge.cwe import Catalogue, Consequence, Mitigation, Weakness
from watcher.errors import Unavailable

OWASP_2021 = "OWASP Top Ten 2021 Category "
_NS = {"c": "http://cwe.mitre.org/cwe-7"}
_VIEW = "1000"  # research concepts: the one view in which every weakness has its parents


def distil(version: str) -> Catalogue:
    """The table for `version`, always the same for the same catalogue. Raises Unavailable if cwe2 is not installed."""
    root: Any = parse(_find_xml()).getroot()
    owasp, members = _categories(root)
    parents = {int(each.get("ID")): _parents(each) for each in root.iterfind("c:Weaknesses/c:Weakness", _NS)}
    children = defaultdict(list)
    for child, above in sorted(parents.items()):
        for parent in above:
            children[parent].append(child)
    table = {}
    for each in root.iterfind("c:Weaknesses/c:Weakness", _NS):
        number = int(each.get("ID"))
        table[number] = _weakness(each, parents[number], tuple(children[number]), tuple(owasp[number]))
    table |= _category_entries(root, members)
    advice, rules = load_advice()
    source = f"{root.get('Name')} {root.get('Version')}"
    return Catalogue(version, source, dict(sorted(table.items())), dict(sorted(advice.items())), rules)


def _find_xml() -> Path:
    spec = importlib.util.find_spec("cwe2")
    found = sorted(Path(spec.origin).parent.glob("database_*/cwec_*.xml")) if spec and spec.origin else []
    if not found:
        raise Unavailable("the CWE catalogue is not installed", "pip install cwe2, then start again")
    return found[-1]


def _texts(element: Any, path: str) -> tuple[str, ...]:
    return tuple(found.text.strip() for found in element.iterfind(path, _NS) if found.text)


def _parents(weakness: Any) -> tuple[int, ...]:
    """ChildOf relations of the research view, the primary one first."""
    related = [
        (each.get("Ordinal") != "Primary", int(each.get("CWE_ID")))
        for each in weakness.iterfind("c:Related_Weaknesses/c:Related_Weakness", _NS)
        if each.get("Nature") == "ChildOf" and each.get("View_ID") == _VIEW
    ]
    return tuple(dict.fromkeys(number for _, number in sorted(related, key=lambda pair: pair[0])))


def _weakness(xml: Any, parents: tuple[int, ...], children: tuple[int, ...], owasp: tuple[str, ...]) -> Weakness:
    return Weakness(
        id=int(xml.get("ID")),
        name=xml.get("Name").removeprefix("DEPRECATED: "),
        abstraction=xml.get("Abstraction"),
        deprecated=xml.get("Status") == "Deprecated",
        parents=parents,
        children=children,
        consequences=tuple(
            Consequence(_texts(each, "c:Scope"), _texts(each, "c:Impact"))
            for each in xml.iterfind("c:Common_Consequences/c:Consequence", _NS)
        ),
        mitigations=tuple(_mitigations(xml)),
        owasp=owasp,
        likelihood=next(iter(_texts(xml, "c:Likelihood_Of_Exploit")), None),
    )


def _mitigations(xml: Any) -> Iterable[Mitigation]:
    for each in xml.iterfind("c:Potential_Mitigations/c:Mitigation", _NS):
        strategy = next(iter(_texts(each, "c:Strategy")), None)
        yield Mitigation(each.get("Mitigation_ID"), _texts(each, "c:Phase"), strategy)


def _categories(root: Any) -> tuple[dict[int, list[str]], dict[int, tuple[int, ...]]]:
    """The OWASP 2021 classes of each weakness, and the members of every category."""
    owasp: dict[int, list[str]] = defaultdict(list)
    members: dict[int, tuple[int, ...]] = {}
    for category in root.iterfind("c:Categories/c:Category", _NS):
        name = category.get("Name")
        numbers = tuple(int(each.get("CWE_ID")) for each in category.iterfind("c:Relationships/c:Has_Member", _NS))
        members[int(category.get("ID"))] = numbers
        if name.startswith(OWASP_2021 + "A"):
            for number in numbers:
                owasp[number].append(name.removeprefix(OWASP_2021).replace(" - ", " ", 1))
    return owasp, members


def _category_entries(root: Any, members: dict[int, tuple[int, ...]]) -> dict[int, Weakness]:
    """Categories as entries: scanners and the NVD use some (CWE-16, CWE-264, CWE-310) as if they were weaknesses."""
    entries = {}
    for category in root.iterfind("c:Categories/c:Category", _NS):
        number, old = int(category.get("ID")), category.get("Status") == "Deprecated"
        name = category.get("Name").removeprefix("DEPRECATED: ")
        entries[number] = Weakness(number, name, "Category", old, (), members[number], (), (), (), None)
    return entries
