"""Packages out of SARIF messages: the format has no field for them, so scanners write them into the text."""

from __future__ import annotations

import re
from collections.abc import Callable

from handlers.readers.identifiers import package
from handlers.records import Package

TRIVY = re.compile(r"^Package: (?P<name>\S+)\s*\nInstalled Version: (?P<version>\S*)", re.MULTILINE)
TRIVY_FIXED = re.compile(r"^Fixed Version: (?P<fixed>\S[^\n]*)", re.MULTILINE)
OSV = re.compile(r"Package '(?P<name>[^']+?)@(?P<version>[^'@]*)' is vulnerable")
GRYPE = re.compile(
    r"vulnerability in (?P<of>\S+) package: (?P<name>\S+), version (?P<version>\S+) was found", re.IGNORECASE
)


def _trivy(text: str) -> Package | None:
    match, fixed = TRIVY.search(text), TRIVY_FIXED.search(text)
    versions = fixed["fixed"].split(",") if fixed else ()
    return package(match["name"], version=match["version"] or None, fixed=versions) if match else None


def _osv(text: str) -> Package | None:
    match = OSV.search(text)
    return package(match["name"], version=match["version"] or None) if match else None


def _grype(text: str) -> Package | None:
    match = GRYPE.search(text)
    return package(match["name"], of=match["of"], version=match["version"]) if match else None


BY_TOOL: dict[str, Callable[[str], Package | None]] = {"trivy": _trivy, "osv-scanner": _osv, "grype": _grype}


def package_of(tool: str, message: str | None) -> Package | None:
    """The package that a scanner's message names; None for tools whose messages are not known."""
    find = BY_TOOL.get(tool)
    return find(message) if find and message else None
