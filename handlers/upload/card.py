"""Completes a model's card at publication: only then it is known where it goes, and which commit holds the dataset."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from handlers.upload.publication import CARD, Publication


def with_dataset(publication: Publication, endpoint: str, repository: str, commit: str) -> Publication:
    """The publication with a card that names the dataset's repository and its exact commit.

    The head gets `datasets` and, in each result, `dataset.type` and `dataset.revision`; the text gets the link.
    """
    from huggingface_hub import ModelCard, ModelCardData

    card = ModelCard(publication.card)
    head = cast(ModelCardData, card.data)
    head.datasets = [repository]
    for result in head.eval_results or []:
        result.dataset_type, result.dataset_revision = repository, commit
    link = f"{endpoint}/datasets/{repository}/tree/{commit}"
    card.text = f"{card.text.rstrip()}\n\n## Dataset\n\n[{repository}]({link}), commit `{commit}`.\n"
    return replace(publication, sources={**publication.sources, CARD: str(card).encode()})


def with_repository(publication: Publication, prefix: str) -> Publication:
    """The publication with a card whose lines of usage load PREFIX/NAME at this version instead of the folder."""
    folder, repository = publication.label, f"{prefix}/{publication.name}"
    exact = f'"{repository}", revision="{publication.version}"' if publication.version else f'"{repository}"'
    named = publication.card.replace(f'("{folder}")', f"({exact})").replace(
        f"--model {folder}\n", f"--model {repository}\n"
    )
    return replace(publication, sources={**publication.sources, CARD: named.encode()})
