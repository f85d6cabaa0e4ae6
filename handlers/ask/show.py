"""What the writers said, for a person or for a program to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handlers.analysis.words import where_words
from handlers.ask.verdict import SECTIONS
from handlers.ask.writers import Said
from handlers.records import Analysis, Finding, Narrative, Record


class Text(Record, frozen=True, kw_only=True):
    """One writer's text in `--json`; either the four sections or the refusal."""

    writer: str
    what: str | None = None
    why: str | None = None
    fix: str | None = None
    check: str | None = None
    refused: str | None = None


class Answer(Record, frozen=True, kw_only=True):
    """One finding in `--json`."""

    id: str
    title: str
    where: str
    analysis: Analysis
    texts: tuple[Text, ...]


def answer(finding: Finding, said: Sequence[Said]) -> Answer:
    by_rules = said[0].text
    assert isinstance(by_rules, Narrative), "the rules are never refused"
    texts = tuple(_text(each) for each in said)
    return Answer(
        id=finding.fingerprint,
        title=finding.title,
        where=where_words(finding),
        analysis=by_rules.analysis,
        texts=texts,
    )


def page(made: Answer) -> Iterator[str]:
    """One finding as lines."""
    analysis = made.analysis
    yield f"{made.id}  {made.title}"
    yield f"  {made.where}"
    yield f"  {analysis.kind}; severity {analysis.severity}; confidence {analysis.confidence}"
    yield f"  not known: {'; '.join(analysis.unknown) or 'nothing of note'}"
    for text in made.texts:
        yield f"\n  {text.writer}:"
        if text.refused:
            yield f"    refused by the facts gate: {text.refused}"
        for name in SECTIONS:
            if said := getattr(text, name):
                yield f"    {name + ':':7} " + said.replace("\n", "\n            ")


def _text(said: Said) -> Text:
    if isinstance(said.text, Narrative):
        sections = {name: getattr(said.text, name) for name in SECTIONS}
        return Text(writer=said.writer, **sections)
    return Text(writer=said.writer, refused=f"{said.text.reason}: {said.text.what}")
