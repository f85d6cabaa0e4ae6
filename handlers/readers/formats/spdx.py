"""SPDX 2 (JSON): packages, and the security information that an external reference of a package points to.

Source: spdx.github.io/spdx-spec/v2.3, annex F.2 (category SECURITY: `advisory` is known security information that
applies to the package; `cpe23Type`, `swid`, `url` and `fix` state no problem).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from handlers.readers.identifiers import ids_in, package
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node

TOOL = re.compile(r"^Tool:\s*(\S+?)(?:-v?(\d\S*))?$", re.MULTILINE)
"""`Tool: syft-1.50.0`"""


@reads("spdx", lambda report: "spdxVersion" in report and ("packages" in report or "SPDXID" in report))
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for name, version in TOOL.findall("\n".join(report.texts("creationInfo.creators"))):
        ledger.tool, ledger.tool_version = name, version or None
    stated = 0
    for part in ledger.records(report, "packages"):
        references = list(ledger.records(part, "externalRefs"))
        purl = next(
            (each.text("referenceLocator") for each in references if each.text("referenceType") == "purl"), None
        )
        for record in references:
            if record.text("referenceType") != "advisory":
                continue
            stated += 1
            yield _advisory(record, part, purl)
    if not stated:
        ledger.warn("a list of packages that states no vulnerability: scan it to learn of them")


def _advisory(record: Node, part: Node, purl: str | None) -> Problem:
    link = record.text("referenceLocator")
    ids = ids_in(link, record.text("comment"))
    return Problem(
        record,
        "vulnerability",
        title=f"{ids[0] if ids else link} in {part.text('name')}",
        rule_id=ids[0] if ids else link,
        ids=ids,
        description=record.text("comment"),
        references=(link,),
        package=package(part.text("name"), version=part.text("versionInfo"), purl=purl),
    )
