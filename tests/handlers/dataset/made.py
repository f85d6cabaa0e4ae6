"""Narratives for these tests, made through the public records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from handlers.records import Analysis, Finding, Location, Narrative, Origin, Package, dump_lines
from watcher.stage import Attempt

RULES = Origin(kind="rules", version="1")


def narrative(number: int, **over: Any) -> Narrative:
    """A narrative of a problem of its own; `over` replaces fields of its finding."""
    name = over.pop("name", f"library{number}")
    fields: dict[str, Any] = {
        "fingerprint": f"1:{number:032x}",
        "tool": "trivy",
        "format": "trivy",
        "rule_id": f"CVE-2024-{10_000 + number}",
        "title": f"{name}: crafted input number {number} overflows a buffer",
        "class_": "vulnerability",
        "severity": "high",
        "severity_raw": "HIGH",
        "cwes": ("CWE-787",),
        "ids": (f"CVE-2024-{10_000 + number}",),
        "description": f"The parser of {name} trusts the length that message {number} gives.",
        "cvss_vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "cvss_score": 9.8,
        "locations": (Location(path=f"service{number}/package-lock.json"),),
        "package": Package(name=name, ecosystem="npm", version="1.2.3", fixed_versions=("1.2.4",)),
        "pointer": f"/Results/0/Vulnerabilities/{number}",
    }
    finding = Finding(**(fields | over))
    return Narrative(
        analysis=Analysis(
            finding=finding,
            kind="out-of-bounds write",
            where=f"{name} in {finding.locations[0].path if finding.locations else 'an unknown place'}",
            reach=None,
            severity=f"{finding.severity}, as the scanner rates it",
            affected=f"{name} 1.2.3",
            unknown=("whether the vulnerable function is called",),
            confidence="medium",
            sources=("report",),
            origin=RULES,
        ),
        what=f"{name} writes past a buffer when message {number} is too long.",
        why=f"Whoever can send message {number} to {name} may run code.",
        fix=f"Upgrade {name} to 1.2.4.",
        check=f"Scan again: problem {number} is gone.",
        origin=RULES,
    )


def folder(root: Path, name: str, *narratives: Narrative, rows: str | None = None) -> Path:
    """A finished narrative job's folder."""
    made = root / name
    made.mkdir(parents=True)
    if narratives or rows is None:
        dump_lines(made / "narrative.jsonl", narratives)
    if rows is not None:
        (made / "rows.jsonl").write_text(rows, encoding="utf-8")
    return made


def attempt(root: Path) -> Attempt:
    return Attempt(key="0" * 64, resume=root / "resume", cache=root / "cache")
