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
    id: int | None = None
    private: bool | None = None


class Run(msgspec.Struct, frozen=True):
    name: str | None = None  # of the workflow
    path: str | None = None  # of its file, with `@REF` where the API says it
    repository: RepositoryOfRun | None = None
    head_repository: RepositoryOfRun | None = None  # another one for a run of a fork; None if that was deleted

    @property
    def workflow(self) -> tuple[str, ...]:
        """What the workflow may be called: its name, and its file's name."""
        file = (self.path or "").partition("@")[0].rpartition("/")[2]
        return tuple(each for each in (self.name, file) if each)


def of_fork(listed: RunOfArtifact, run: Run) -> bool:
    """Whether a run is known to be of another repository than it ran in, by the listing or else by the run itself."""
    if (listed.repository_id, listed.head_repository_id) != (None, None):
        return listed.repository_id != listed.head_repository_id
    here, head = (each.id if each else None for each in (run.repository, run.head_repository))
    return here != head


class Analysis(msgspec.Struct, frozen=True):
    """One code-scanning analysis."""

    id: int
    ref: str = ""  # refs/heads/BRANCH, refs/pull/N/merge
    commit_sha: str | None = None
    analysis_key: str | None = None  # the workflow's file and job

    @property
    def branch(self) -> str:
        return self.ref.removeprefix("refs/heads/")

    @property
    def of_pull_request(self) -> bool:
        """Anybody may open one, from a fork, and the API does not say from where."""
        return self.ref.startswith("refs/pull/")


class Alert(msgspec.Struct, frozen=True):
    """As much of a Dependabot alert as puts alerts in order."""

    number: int


def understand(data: object, kind: type[T], what: str) -> T:
    """Raises Unavailable if an answer is none of GitHub's."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise Unavailable(f"{what}: the answer is not what GitHub says: {error}", "see github.api_url") from None
