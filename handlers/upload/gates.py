"""Why something must not be published: secrets in it, no licence, not better than before, a private source."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from handlers.privacy.secrets import PREFIXED, PRIVATE_KEY
from handlers.upload.publication import CARD, Publication, read

METADATA_FENCE = "---"
UNKNOWN_LICENCE = "that-of-the-base-model"
TEXTS = (".md", ".json", ".jsonl", ".svg", ".txt", ".yaml")
MODEL_DATA = {"tokenizer.json", "vocab.json", "model.safetensors.index.json"}
"""Texts of the base model's makers, full of what looks random."""
CREDENTIAL = re.compile(f"{PREFIXED.pattern}|{PRIVATE_KEY.pattern}")
"""Only what an issuer's own prefix gives away: rows went through finer sieves, and a refusal must not be a guess."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person agreed to, by `--yes` or by a setting. Secrets and licences are not theirs to wave through."""

    public: bool = False  # findings of private sources may be seen by all
    worse: bool = False  # a model that is not better than its base


def refusals(publication: Publication, consent: Consent, *, public: bool) -> list[str]:
    """Every reason, each a phrase; empty if it may go."""
    found = [*_card(publication), *_licence(publication, public), *secrets(publication)]
    if not consent.worse:
        found += _evaluation(publication)
    if public and not consent.public:
        found += _visibility(publication)
    return found


def _card(publication: Publication) -> Iterator[str]:
    if not publication.card:
        yield f"there is no card ({CARD})"


def _licence(publication: Publication, public: bool) -> Iterator[str]:
    head = front_matter(publication.card)
    if publication.card and not head.get("license"):
        yield f"{CARD} names no licence (`license:` in its head)"
    elif public and head.get("license_name") == UNKNOWN_LICENCE:
        yield "nobody knows the base model's licence, so the model can't be public"


def _evaluation(publication: Publication) -> Iterator[str]:
    if publication.losses is not None:
        before, after = publication.losses
        if not after < before:
            yield f"it is not better than its base (validation loss {after:.4f}, base {before:.4f}); --yes overrules"


def _visibility(publication: Publication) -> Iterator[str]:
    if publication.private_sources:
        names = ", ".join(publication.private_sources)
        yield f"it would be public with findings of private sources ({names}); --yes or upload.allow_public allows it"


def secrets(publication: Publication) -> Iterator[str]:
    """Which texts hold what looks like a credential; names the place and never the value."""
    for path, source in publication.sources.items():
        if path.endswith(TEXTS) and path not in MODEL_DATA:
            for number, line in enumerate(read(source).splitlines(), 1):
                if CREDENTIAL.search(line.decode("utf-8", "replace")):
                    yield f"{path}, line {number}, holds what looks like a secret"


def front_matter(card: str) -> Mapping[str, object]:
    """The YAML head of a card; empty if it has none or it is no mapping."""
    lines = card.splitlines()
    if not lines or lines[0].strip() != METADATA_FENCE or METADATA_FENCE not in lines[1:]:
        return {}
    try:
        head = yaml.safe_load("\n".join(lines[1 : lines.index(METADATA_FENCE, 1)]))
    except yaml.YAMLError:
        return {}
    return head if isinstance(head, dict) else {}
