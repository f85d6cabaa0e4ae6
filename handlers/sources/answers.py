"""What GitHub's answers say, as far as we read them (REST API, version 2022-11-28)."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from watcher.errors import Unavailable

T = TypeVar("T")


class RunOfArtifact(msgspec.Struct, frozen=True):
    """`workflow_run` of a listed artifact; it does not name the workflow."""

    id: int | None = None
    repository_id: int | None = None
    head_repository_id: int | None = None  # another one for a run of a fork
    head_branch: str | None = None
    head_sha: str | None = None


class Artifact(msgspec.Struct, frozen=True):
    id: int
    name: str
    expired: bool = False
    digest: str | None = None  # "sha256:…" of the file that is downloaded
    workflow_run: RunOfArtifact | None = None


class ArtifactPage(msgspec.Struct, frozen=True):
    artifacts: tuple[Artifact, ...]


class RepositoryOfRun(msgspec.Struct, frozen=True):
    private: bool | None = None


class Run(msgspec.Struct, frozen=True):
    name: str | None = None  # of the workflow
    path: str | None = None  # of its file, with `@REF` where the API says it
    repository: RepositoryOfRun = RepositoryOfRun()

    @property
    def workflow(self) -> tuple[str, ...]:
        """What the workflow may be called: its name, and its file's name."""
        file = (self.path or "").partition("@")[0].rpartition("/")[2]
        return tuple(each for each in (self.name, file) if each)


class Analysis(msgspec.Struct, frozen=True):
    """One code-scanning analysis."""

    id: int
    ref: str = ""  # refs/heads/BRANCH, refs/pull/N/merge
    commit_sha: str | None = None
    analysis_key: str | None = None  # the workflow's file and job

    @property
    def branch(self) -> str:
        return self.ref.removeprefix("refs/heads/")


class Alert(msgspec.Struct, frozen=True):
    """As much of a Dependabot alert as puts alerts in order."""

    number: int


def understand(data: object, kind: type[T], what: str) -> T:
    """Raises Unavailable if an answer is none of GitHub's."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise Unavailable(f"{what}: the answer is not what GitHub says: {error}", "see github.api_url") from None
