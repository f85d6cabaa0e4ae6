"""Why something must not be published: secrets in it, no licence, not better than before, a private source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import yaml

from handlers.upload.publication import CARD, Publication

METADATA_FENCE = "---"


def refusals(publication: Publication, *, public: bool, consent: bool) -> list[str]:
    """Every reason, each a sentence; empty if it may go. `consent` is the person's `--yes` or their setting."""
    return [*_card(publication), *_visibility(publication, public, consent)]


def _card(publication: Publication) -> Iterator[str]:
    if not publication.card:
        yield f"there is no card ({CARD})"
        return
    front = front_matter(publication.card)
    if not front.get("license"):
        yield f"{CARD} names no licence (`license:` in its head)"


def _visibility(publication: Publication, public: bool, consent: bool) -> Iterator[str]:
    if public and publication.private_sources and not consent:
        names = ", ".join(publication.private_sources)
        yield f"it would be public with findings of private sources ({names}): --yes or upload.allow_public allows it"


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
