"""Findings of large logs: what the results of one rule and level have in common is made once.

A result without anything special differs from the others of its rule in message, places and quoted code only. The
first one goes the usual way (`RunReader.problem`, `finish.finding`) and becomes the stencil of the others.
"""

from __future__ import annotations

from collections.abc import Hashable

import msgspec

from handlers.readers import finish
from handlers.readers.interface import Ledger
from handlers.readers.node import Node
from handlers.readers.sarif import model
from handlers.readers.sarif.meaning import LEVELS, RunReader, snippet_of
from handlers.readers.sarif.packages import BY_TOOL
from handlers.records import Finding, Occurrence

MOST_STENCILS = 20_000
"""Kept at once: no tool has more rules, but a hostile log may name a new one in every result."""
NO_PROPERTIES = model.Properties()


class Stencils:
    """Makes the findings of one run."""

    def __init__(self, reader: RunReader, ledger: Ledger, form: str, max_text: int) -> None:
        self._reader = reader
        self._ledger = ledger
        self._form = form
        self._max_text = max_text
        self._words = finish.Words((), max_text)
        self._stencils: dict[Hashable, Finding] = {}

    def finding(self, result: model.Result, at: str) -> Finding | None:
        """The finding that the result at this pointer states; None, and counted, if it states no problem."""
        key = _common(result)
        stencil = self._stencils.get(key) if key is not None else None
        if stencil is not None:
            return self._filled(stencil, result, at)
        warned = self._ledger.warned
        problem = self._reader.problem(result, Node(None, None, at))
        if problem is None:
            return None
        made = finish.finding(problem, self._ledger, self._form, self._max_text)
        if key is not None and self._ledger.warned == warned and self._is_stencil(made, result):
            self._stencils[key] = made
        return made

    def _is_stencil(self, made: Finding, result: model.Result) -> bool:
        rule = self._reader.rule(result)
        few = len(self._stencils) < MOST_STENCILS
        return few and bool(rule and rule.title) and made.class_ != "secret" and made.tool not in BY_TOOL

    def _filled(self, stencil: Finding, result: model.Result, at: str) -> Finding:
        description = self._words.text(result.message.text) if result.message else None
        return msgspec.structs.replace(
            stencil,
            description=description,
            snippet=self._words.text(snippet_of(result.locations)),
            locations=self._reader.places.of(result, at),
            pointer=at,
            occurrences=(Occurrence(pointer=at, member=stencil.member, tool=stencil.tool, rule_id=stencil.rule_id),),
        )


def _common(result: model.Result) -> Hashable:
    """What results of one stencil have in common; None for a result with anything special."""
    special = (
        result.suppressions
        or result.taxa
        or result.fixes
        or result.web_request
        or result.rule
        or result.analysis_target
        or result.baseline_state == "absent"
        or result.kind not in (None, "fail")
        or (result.properties is not None and result.properties != NO_PROPERTIES)
    )
    message = result.message
    if special or message is None or not message.text or message.text.isspace() or message.arguments:
        return None
    if result.level is not None and result.level not in LEVELS:
        return None
    return result.rule_id, result.rule_index, result.level
