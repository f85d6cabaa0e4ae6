"""The examples that one narrative gives: a task is a question and a way to take its answer from the narrative.

No answer says more than the narrative does. A task that a narrative has no answer for gives no row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator

import msgspec

from handlers.dataset.prompts import QUESTIONS, ask
from handlers.dataset.rows import Message
from handlers.records import Narrative, Record


class Draft(Record, frozen=True, kw_only=True):
    """A row before the gates."""

    task: str
    messages: tuple[Message, ...]


def drafts(narrative: Narrative, tasks: Collection[str]) -> Iterator[Draft]:
    """The rows of a narrative for `tasks`, in the tasks' fixed order."""
    finding = narrative.analysis.finding
    for task, answer in ANSWERS.items():
        text = answer(narrative) if task in tasks else None
        if text:
            question = ask(task, finding, finding.fingerprint)
            yield Draft(task=task, messages=(_user(question), _assistant(text)))


def _user(text: str) -> Message:
    return Message(role="user", content=text)


def _assistant(text: str) -> Message:
    return Message(role="assistant", content=text)


def digest_of(narrative: Narrative) -> str:
    """32 hexadecimal digits that name a narrative by its content."""
    return hashlib.blake2b(msgspec.json.encode(narrative, order="deterministic"), digest_size=16).hexdigest()


class Verdict(Record, frozen=True, kw_only=True):
    """The answer to `analyse`."""

    weakness: str
    cwes: tuple[str, ...]
    ids: tuple[str, ...]
    where: str
    reach: str | None
    severity: str
    affected: str | None
    not_known: tuple[str, ...]
    confidence: str


def _analyse(narrative: Narrative) -> str:
    made, finding = narrative.analysis, narrative.analysis.finding
    verdict = Verdict(
        weakness=made.kind,
        cwes=finding.cwes,
        ids=finding.ids,
        where=made.where,
        reach=made.reach,
        severity=made.severity,
        affected=made.affected,
        not_known=made.unknown,
        confidence=made.confidence,
    )
    return msgspec.json.encode(verdict).decode()


def _explain(narrative: Narrative) -> str:
    return f"{narrative.what}\n\n{narrative.why}".strip()


def _fix(narrative: Narrative) -> str:
    return f"{narrative.fix}\n\n{narrative.check}".strip()


def _triage(narrative: Narrative) -> str | None:
    made = narrative.analysis
    if made.finding.severity == "unknown":
        return None
    reasons = [f"Severity: {made.severity}", narrative.why]
    if made.reach:
        reasons.append(made.reach)
    return "\n\n".join([*reasons, f"Confidence of this analysis: {made.confidence}."])


def _cwe(narrative: Narrative) -> str | None:
    finding = narrative.analysis.finding
    told = " ".join((finding.title, finding.description or "", finding.rule_id or ""))
    if not finding.cwes or any(each in told for each in finding.cwes):
        return None  # there is nothing to answer, or the question already says it
    return f"{', '.join(finding.cwes)}: {narrative.analysis.kind}"


def _cvss(narrative: Narrative) -> str | None:
    finding = narrative.analysis.finding
    vector = finding.cvss_vector
    if not vector or vector in (finding.description or "") or not (finding.description or finding.ids):
        return None
    score = f"\nBase score {finding.cvss_score:g}." if finding.cvss_score is not None else ""
    return f"{vector}{score}"


def _no_fix(narrative: Narrative) -> str | None:
    finding = narrative.analysis.finding
    package = finding.package
    if package is None or package.fixed_versions or finding.class_ != "vulnerability":
        return None
    named = f" for {', '.join(finding.ids)}" if finding.ids else ""
    return f"The report names no fixed version of {package.name}{named}.\n\n{narrative.fix}".strip()


def _unknown(narrative: Narrative) -> str | None:
    open_points = narrative.analysis.unknown
    return "The report does not say:\n" + "\n".join(f"- {each}" for each in open_points) if open_points else None


ANSWERS: dict[str, Callable[[Narrative], str | None]] = {
    "analyse": _analyse,
    "explain": _explain,
    "fix": _fix,
    "triage": _triage,
    "cwe": _cwe,
    "cvss": _cvss,
    "no_fix": _no_fix,
    "unknown": _unknown,
}
assert ANSWERS.keys() == QUESTIONS.keys()
