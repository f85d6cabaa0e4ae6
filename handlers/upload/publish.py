"""The way of one publication: from a folder, through the gates, to a folder or the Hub, and its record."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from config.settings import Settings
from handlers.upload import hub, local
from handlers.upload.card import with_dataset, with_repository
from handlers.upload.gates import Consent, refusals
from handlers.upload.privacy import private_sources
from handlers.upload.publication import Digests, Publication, Published, content_digest
from handlers.upload.source import read
from watcher.errors import BadInput, Unavailable


@contextlib.contextmanager
def _while_it_stays() -> Iterator[None]:
    """What is published lies where others may tidy up."""
    try:
        yield
    except FileNotFoundError as error:
        raise Unavailable(f"{error.filename} went away while it was published", "it is tried again") from None


@_while_it_stays()
def prepare(folder: Path, settings: Settings, root: Path) -> Publication:
    """What a folder publishes. `root` is the workspace, whose receipts know where its findings come from.

    Raises BadInput if the folder is none that could be published.
    """
    publication = read(folder, dataset_name(settings), settings.fine_tuned_models_dir)
    if not (is_public(settings) and publication.job):
        return publication
    stage = "training" if publication.kind == "model" else "dataset"
    return replace(publication, private_sources=private_sources(root, folder, stage, publication.job))


def dataset_name(settings: Settings) -> str:
    """NAME of PREFIX/NAME for datasets."""
    return f"{settings.fine_tuning.default_output_name}-dataset"


@_while_it_stays()
def check(publication: Publication, settings: Settings, consent: Consent) -> None:
    """Raises BadInput with every reason why it must not be published."""
    if reasons := refusals(publication, consent, public=is_public(settings)):
        told = "; ".join(reasons)
        raise BadInput(f"{publication.label} is not published: {told}", "mend that, or see docs/publishing.md")


def is_public(settings: Settings) -> bool:
    return settings.upload.to == "hub" and not settings.fine_tuning.huggingface.private_repos


@_while_it_stays()
def deliver(publication: Publication, settings: Settings, root: Path, say: Callable[[str], None]) -> Published:
    """Publishes where the settings say and verifies it there. Raises watcher.errors.JobError."""
    if settings.upload.to == "hub":
        return _to_hub(publication, settings, say)
    files = publication.digests()
    folder = destination(publication, settings, root)
    if local.publish(publication, files, folder):
        say(f"{folder}: {len(files)} files")
    return _published(publication, files, "local", _relative(folder, root), None, None)


def destination(publication: Publication, settings: Settings, root: Path) -> Path:
    """The folder of a local publication."""
    return (settings.upload.local_dir or root / "publications") / publication.label


def _to_hub(publication: Publication, settings: Settings, say: Callable[[str], None]) -> Published:
    wanted = settings.fine_tuning.huggingface
    prefix = wanted.default_repo_prefix or hub.owner()
    publication = linked(for_hub(publication, prefix), settings, prefix)
    files = publication.digests()
    commit, page = hub.publish(publication, files, prefix, private=wanted.private_repos, say=say)
    return _published(publication, files, "hub", page, commit, wanted.private_repos)


def for_hub(publication: Publication, prefix: str) -> Publication:
    """What the Hub gets: the same but for the card's usage, which names the repository."""
    return with_repository(publication, prefix) if publication.kind == "model" and publication.card else publication


def linked(publication: Publication, settings: Settings, prefix: str) -> Publication:
    """A model's publication with the commit of its dataset on the card, if that was published before.

    Raises JobError if the Hub does not say.
    """
    if publication.dataset is None:
        return publication
    found = hub.find_tag(prefix, dataset_name(settings), "dataset", publication.dataset)
    return publication if found is None else with_dataset(publication, *found)


def _published(
    publication: Publication,
    files: Sequence[Digests],
    to: Literal["local", "hub"],
    where: str,
    commit: str | None,
    private: bool | None,
) -> Published:
    return Published(
        kind=publication.kind,
        name=publication.name,
        version=publication.version,
        to=to,
        where=where,
        commit=commit,
        private=private,
        content=content_digest(files),
        files=tuple(files),
    )


def _relative(folder: Path, root: Path) -> str:
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else str(folder)
