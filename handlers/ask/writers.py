"""What each writer says of a finding: the rules, the champion, and asked for, the base model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.settings import Settings
from handlers.analysis.rules import analyse
from handlers.gate import Refusal
from handlers.knowledge.cwe import Catalogue
from handlers.models.base import find_base
from handlers.models.champion import champion
from handlers.models.metadata import generation_of
from handlers.models.need import need_mlx
from handlers.narrative.model import MOST_TOKENS, judge, prompt
from handlers.narrative.rules import narrate
from handlers.records import Finding, Narrative, Origin


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is asked."""

    writer: str  # "champion NAME", "base NAME"
    folder: Path
    revision: str
    tuned: bool
    generation: int = 1  # of what it writes


@dataclass(frozen=True, slots=True)
class Said:
    """One writer's text about one finding, or why the gate refused it."""

    writer: str
    text: Narrative | Refusal


def models(settings: Settings, root: Path, *, base: bool) -> Iterator[Model]:
    """The champion if there is one, and the base if asked for. Raises Unavailable if MLX or the base is missing."""
    found = champion(root)
    if found or base:
        need_mlx()
    if found:
        yield Model(
            f"champion {found.name}",
            Path(found.path),
            found.weights,
            tuned=True,
            generation=generation_of(Path(found.path)),
        )
    if base:
        chosen = find_base(settings.default_base_model, settings, root)
        yield Model(f"base {chosen.name}", chosen.path, chosen.revision, tuned=False)


def say(findings: Sequence[Finding], catalogue: Catalogue, asked: Sequence[Model]) -> list[list[Said]]:
    """For each finding what each writer says, the rules first."""
    by_rules = [narrate(analyse(each, catalogue), catalogue) for each in findings]
    said = [[Said("rules", each)] for each in by_rules]
    for model in asked:
        for own, text in zip(said, _answers(model, by_rules, catalogue), strict=True):
            own.append(Said(model.writer, text))
    return said


def _answers(model: Model, by_rules: Sequence[Narrative], catalogue: Catalogue) -> Iterator[Narrative | Refusal]:
    from handlers.generation import load_generator

    generator = load_generator(model.folder, model.revision)
    findings = [each.analysis.finding for each in by_rules]
    explained = generator.answer([prompt("explain", each, model.tuned) for each in findings], MOST_TOKENS)
    fixed = generator.answer([prompt("fix", each, model.tuned) for each in findings], MOST_TOKENS)
    origin = Origin(kind="model", version=model.revision, generation=model.generation)
    for rules, first, second in zip(by_rules, explained, fixed, strict=True):
        yield judge(rules, first, second, catalogue, origin)
