"""Finds what a person asks about: the findings of a report, or one finding of the workspace by its id."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec.json import decode

from config.settings import Limits
from handlers.clean import clean_finding
from handlers.dataset.lines import stored_narratives
from handlers.readers import read_report
from handlers.records import Finding, Narrative
from watcher.errors import BadInput

SHORTEST = 6
"""Characters of an id that are enough to look for it."""


def find_findings(subject: str, outbox: Path, limits: Limits) -> list[Finding]:
    """The cleaned findings that `subject` names: a report's path, or the first characters of a finding's id.

    Raises BadInput if there are none, with what to do.
    """
    path = Path(subject)
    if path.is_file():
        return _of_report(path, limits)
    if path.is_dir():
        raise BadInput(f"{subject}: it is a folder", "give a report in it, or an id of a finding")
    wanted = subject.removeprefix("1:").lower()
    if len(wanted) < SHORTEST:
        raise BadInput(f"{subject}: neither a file nor an id", f"give a report, or {SHORTEST} characters of an id")
    found = {each.fingerprint: each for each in _stored(wanted, outbox)}
    if not found:
        raise BadInput(
            f"{subject}: there is no such file, and no finding here has an id that begins so",
            "give a report that you still have: `scantune ask REPORT` shows its findings with their ids",
        )
    return [found[each] for each in sorted(found)]


def _of_report(path: Path, limits: Limits) -> list[Finding]:
    reading = read_report(path, limits)
    if not reading.findings:
        raise BadInput(f"{path}: {reading.reason or 'there are no findings in it'}", reading.hint or "")
    return [clean_finding(each, limits.max_text) for each in reading.findings]


def _stored(wanted: str, outbox: Path) -> Iterator[Finding]:
    """Findings of all narratives so far; a file without the characters is not decoded."""
    for _, content in stored_narratives(outbox):
        if f":{wanted}".encode() in content:
            found = (decode(line, type=Narrative).analysis.finding for line in content.splitlines())
            yield from (each for each in found if each.fingerprint.split(":", 1)[-1].startswith(wanted))
