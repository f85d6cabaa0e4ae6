"""Audits of a host: Lynis (its report file), ClamAV (clamscan's output), Hydra (JSON).

Sources: github.com/CISOfy/lynis (include/functions, lynis-report.dat), docs.clamav.net (clamscan),
github.com/vanhauser-thc/thc-hydra (README, jsonv1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.records import Severity

KINDS: dict[str, Severity] = {"warning": "medium", "suggestion": "low", "vulnerable package": "high"}


@reads("lynis", lambda text: "lynis_version=" in text.value[:5_000] and "report_version_major=" in text.value[:5_000],
       kind="text")  # fmt: skip
def lynis(text: Node, ledger: Ledger) -> Iterator[Problem]:
    """Lines of `kind[]=TEST|words|details|solution`; a suggestion is hardening, not a flaw."""
    for number, line in enumerate(text.value.splitlines()):
        kind, mark, value = line.partition("[]=")
        said = kind.replace("_", " ")
        if line.startswith("lynis_version="):
            ledger.tool_version = line.partition("=")[2].strip()
        if not mark or said not in KINDS:
            continue
        test, _, rest = value.partition("|")
        words, _, more = rest.partition("|")
        yield Problem(
            Node(line, text, number),
            "vulnerability" if said == "vulnerable package" else "misconfiguration",
            title=words or test,
            rule_id=test if words else said,
            severity=said,
            severity_origin="kind",
            scale=KINDS,
            description="; ".join(each for each in more.split("|") if each not in ("", "-")) or None,
        )


FOUND = re.compile(r"^(?P<path>\S.*): (?P<name>\S+) FOUND$")


@reads("clamav", lambda text: "SCAN SUMMARY" in text.value and "Infected files:" in text.value, kind="text")
def clamav(text: Node, ledger: Ledger) -> Iterator[Problem]:
    """One problem a signature that matched a file."""
    for number, line in enumerate(text.value.splitlines()):
        found = FOUND.match(line.strip())
        if line.startswith("Engine version:"):
            ledger.tool_version = line.partition(":")[2].strip()
        if line.strip().endswith(": OK"):
            ledger.skip("passed")
        if found:
            yield Problem(
                Node(line, text, number),
                "code",
                title=f"{found['name']} in {found['path'].rpartition('/')[2]}",
                rule_id=found["name"],
                path=found["path"],
            )


@reads("hydra", lambda report: report.text("generator.software") == "Hydra" and "results" in report)
def hydra(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """One problem a password that it guessed; the password itself is not kept."""
    ledger.tool_version = report.text("generator.version")
    ledger.counted(report.integer("quantityfound"), report["results"])
    for record in ledger.records(report, "results"):
        service, login = record.text("service"), record.text("login")
        yield Problem(
            record,
            "secret",
            title=f"The password of {login or 'an account'} was guessed ({service})",
            rule_id=f"weak-password-{service}",
            severity="high",
            severity_origin="scantune",
            cwes="CWE-521",
            url=f"{record.text('host')}:{record.text('port')}",
            symbol=login,
            secrets=record.texts("password"),
        )
