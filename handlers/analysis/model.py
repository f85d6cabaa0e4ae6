"""Analyses by a model: it answers `analyse` with a JSON object, whose every text has to pass the gate.

Facts stay the finding's own, and how sure an analysis is follows from them alone: the model words it, no more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import msgspec

from handlers.dataset.tasks import Verdict
from handlers.gate import Facts, Refusal, refuse
from handlers.knowledge.cwe import Catalogue
from handlers.narrative.model import PREFACE, Answerer, prompt
from handlers.narrative.rules import narrate
from handlers.records import Analysis, Origin

MOST_TOKENS = 400
FORM = (
    "Answer with one JSON object and nothing else, with the keys weakness, cwes, ids, where, reach, severity, "
    "affected, not_known and confidence.\n\n"
)


def write_analyses(
    by_rules: Sequence[Analysis],
    catalogue: Catalogue,
    model: Answerer,
    origin: Origin,
    *,
    tuned: bool,
    go_on: Callable[[], None] = lambda: None,
) -> tuple[list[Analysis], Counter[str]]:
    """The analyses in the order of `by_rules`, and how many the model wrote or why it did not ("refused: json")."""
    preface = "" if tuned else PREFACE + FORM
    prompts = [preface + prompt("analyse", each.finding, tuned=True) for each in by_rules]
    counts: Counter[str] = Counter()
    written = []
    for rules, answer in zip(by_rules, model.answer(prompts, MOST_TOKENS, go_on), strict=True):
        made = judge(rules, answer, catalogue, origin)
        counts["by rules, refused: " + made.reason if isinstance(made, Refusal) else "by model"] += 1
        written.append(rules if isinstance(made, Refusal) else made)
    return written, counts


def judge(rules: Analysis, answer: str, catalogue: Catalogue, origin: Origin) -> Analysis | Refusal:
    """The model's analysis, or why it is refused: no such object, another fact, or a text that the gate refuses."""
    try:
        verdict = msgspec.json.decode(answer, type=Verdict)
    except msgspec.DecodeError:
        return Refusal("json", answer[:80])
    finding = rules.finding
    if (verdict.cwes, verdict.ids) != (finding.cwes, finding.ids):
        return Refusal("id", answer[:80])
    if not verdict.severity.startswith(finding.severity):
        return Refusal("severity", verdict.severity[:80])
    facts = Facts(narrate(rules, catalogue), catalogue)
    refusals = (refuse(text, facts) for text in _texts(verdict))
    if refusal := next(filter(None, refusals), None):
        return refusal
    return msgspec.structs.replace(
        rules,
        kind=verdict.weakness,
        where=verdict.where,
        reach=verdict.reach,
        severity=verdict.severity,
        affected=verdict.affected,
        unknown=verdict.not_known,
        origin=origin,
    )


def _texts(verdict: Verdict) -> Iterator[str]:
    yield verdict.weakness
    yield verdict.where
    yield verdict.severity
    yield from verdict.not_known
    yield from filter(None, (verdict.reach, verdict.affected))
