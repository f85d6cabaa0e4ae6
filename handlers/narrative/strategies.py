"""What to do where neither the report, nor a rule, nor a weakness's advice says it: by the catalogue's strategies."""

from __future__ import annotations

from handlers.narrative.phrasing import code
from handlers.narrative.subject import Subject

STRATEGIES = {
    "Input Validation": "accept only input that fits a description of valid values",
    "Environment Hardening": "run it with the least rights and hardened settings",
    "Libraries or Frameworks": "leave this to a library that is made for it",
    "Output Encoding": "encode output for whatever reads it",
    "Separation of Privilege": "split off the part that needs rights",
    "Attack Surface Reduction": "switch off what is not needed",
    "Language Selection": "use a language that rules this out",
    "Sandbox or Jail": "run it in a sandbox",
    "Enforcement by Conversion": "translate input into values from a fixed list",
    "Compilation or Build Hardening": "build with the compiler's protections",
    "Refactoring": "rewrite the piece so that the case can't occur",
    "Firewall": "put a filter in front until it is repaired",
    "Resource Limitation": "put limits on what one caller may use",
    "Parameterization": "keep data and statement apart with parameters",
}
"""Of the CWE schema's mitigation strategies."""


def strategy_words(subject: Subject) -> str:
    """A sentence from the weaknesses' mitigations, nearest relation first; else a plain word that none is named."""
    for weakness in subject.weaknesses:
        for each in subject.catalogue.ancestry(weakness):
            named = dict.fromkeys(m.strategy for m in each.mitigations if m.strategy in STRATEGIES)
            if named:
                first = next(iter(named))
                return subject.wording.sentence(
                    "[the catalogue's advice|recommended] for this kind: {strategy}",
                    strategy=STRATEGIES[first or ""],
                )
    rule, place = code(subject.rule_id) if subject.rule_id else "the rule", subject.spot or "this place"
    if subject.finding.class_ == "quality":
        return subject.wording.sentence(
            "[rewrite {place} the way {rule} asks|change {place} so that {rule} no longer fires]. If the rule is wrong "
            "here, [switch it off for this place|make an exception in its configuration] and [say why beside it|leave "
            "the reason in a comment]",
            rule=rule,
            place=place,
        )
    return subject.wording.sentence(
        "[the report names no remedy|no remedy comes with this finding]: [read what {tool} documents for {rule}|look "
        "{rule} up in the documentation of {tool}] [before you change|and then decide about] {place}",
        tool=subject.tool,
        rule=rule,
        place=place,
    )
