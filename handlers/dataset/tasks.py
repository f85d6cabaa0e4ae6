"""The examples that one narrative gives: a task is a question and a way to take its answer from the narrative.

No answer says more than the narrative does. A task that a narrative has no answer for gives no row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from handlers.dataset.prompts import QUESTIONS, ask
from handlers.dataset.rows import Example, Message
from handlers.dataset.split import fraction
from handlers.knowledge.upgrades import fix_in_words
from handlers.records import Analysis, Narrative, Record


class Judgement(NamedTuple):
    tokens: int
    fault: str | None  # why a row can't stand


Judge = Callable[[Example], Judgement]


class Draft(NamedTuple):
    """A row before the choice."""

    task: str
    example: Example
    tokens: int
    fault: str | None
    shortened: bool


TOO_LONG = "too long for the base model"
LENGTHS = (1_000_000, 1200, 400)
"""Characters of description and of code that a question tells, tried in turn until the row is short enough."""


def drafts(narrative: Narrative, shares: Mapping[str, float], judge: Judge) -> Iterator[Draft]:
    """The rows of a narrative, in the tasks' fixed order.

    A digest of the finding decides whether a task with a share below 1 gives a row.
    """
    finding = narrative.analysis.finding
    for task, answer in ANSWERS.items():
        share = shares.get(task, 0.0)
        drawn = share >= 1 or (share > 0 and fraction(f"{task} {finding.fingerprint}") < share)
        text = answer(narrative) if drawn else None
        if text:
            yield _draft(task, text, narrative.analysis, judge)


def _draft(task: str, answer: str, made: Analysis, judge: Judge) -> Draft:
    finding = made.finding
    for most in LENGTHS:
        question = ask(task, finding, finding.fingerprint, most, made.exploited)
        example = Example(messages=(_user(question), _assistant(answer)))
        judged = judge(example)
        if judged.fault != TOO_LONG:
            break
    return Draft(task, example, *judged, shortened=most != LENGTHS[0])


def _user(text: str) -> Message:
    return Message(role="user", content=text)


def _assistant(text: str) -> Message:
    return Message(role="assistant", content=text)


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
    if made.reach and not made.finding.cvss_vector:  # the narrative tells what a vector says
        reasons.append(made.reach)
    return "\n\n".join([*reasons, f"Confidence of this analysis: {made.confidence}."])


def _cwe(narrative: Narrative) -> str | None:
    finding = narrative.analysis.finding
    told = " ".join((finding.title, finding.description or "", finding.rule_id or ""))
    if not finding.cwes or any(each in told for each in finding.cwes):
        return None  # there is nothing to answer, or the question already says it
    kind = re.sub(r" \((?:CWE-\d+(?:, )?)+\)", "", narrative.analysis.kind)
    return f"{', '.join(finding.cwes)}: {kind}"


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
    if package is None or package.fixed_versions or finding.class_ != "vulnerability" or fix_in_words(finding):
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
