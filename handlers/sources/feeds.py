"""What GitHub offers of one repository: artifacts of workflow runs, code-scanning analyses, Dependabot alerts.

docs.github.com/rest: actions/artifacts, actions/workflow-runs, code-scanning, dependabot/alerts.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.settings import GitHub as Wanted
from handlers.sources.answers import Alert, Analysis, Artifact, ArtifactPage, Run, RunOfArtifact, of_fork, understand
from handlers.sources.drop import looks_like_zip, plain
from handlers.sources.memory import Provenance
from handlers.sources.rest import Gone, Rest
from watcher.errors import Unavailable

SARIF = "application/sarif+json"
PAGE = "per_page=100"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be fetched."""

    id: str  # unique among all that this source ever fetches
    label: str  # for a person
    fetch: Callable[[Path, int], None]  # writes it to a file, up to a number of bytes; raises JobError
    name: Callable[[Path], str]  # its name in the inbox, given the fetched file
    provenance: Callable[[], Provenance]
    why_not: Callable[[], str | None] = lambda: None  # why the settings leave it out; may ask for more
    expired: bool = False


@dataclass(frozen=True, slots=True)
class Feed:
    """One listing, newest first: `items` of each page, or one item that is a `snapshot` of all pages."""

    listing: str
    prefix: str  # of its items' ids
    items: Callable[[object], Sequence[Item]] | None = None
    snapshot: Callable[[Iterable[object]], Item] | None = None
    empty: str = ""  # what a 404 says where there is nothing to list


def feeds(rest: Rest, repository: str, wanted: Wanted) -> list[Feed]:
    """The feeds of OWNER/NAME that the settings ask for."""
    source, base = Repository(rest, repository, wanted), f"/repos/{repository}"
    chosen = []
    if wanted.artifacts:
        listing = f"{base}/actions/artifacts?{PAGE}"
        chosen.append(Feed(listing, f"{repository}/artifact/", items=source.artifacts))
    if wanted.code_scanning:
        listing = f"{base}/code-scanning/analyses?{PAGE}"
        chosen.append(Feed(listing, f"{repository}/analysis/", items=source.analyses, empty="no analysis found"))
    if wanted.dependabot:
        # By time of change, so that whatever is new or other shows on the first page and in its ETag.
        listing = f"{base}/dependabot/alerts?{PAGE}&state=open&sort=updated&direction=desc"
        chosen.append(Feed(listing, f"{repository}/dependabot/", snapshot=source.alerts))
    return chosen


class Repository:
    """Makes items of what the API lists for one repository."""

    def __init__(self, rest: Rest, name: str, wanted: Wanted) -> None:
        self._rest = rest
        self._name = name
        self._wanted = wanted
        self._runs: dict[int, Run] = {}

    def artifacts(self, page: object) -> list[Item]:
        return [self._artifact(each) for each in understand(page, ArtifactPage, self._name).artifacts]

    def _artifact(self, artifact: Artifact) -> Item:
        run = artifact.workflow_run or RunOfArtifact()

        def fetch(target: Path, largest: int) -> None:
            address = f"/repos/{self._name}/actions/artifacts/{artifact.id}/zip"
            digest = self._rest.download(address, target, largest)
            kind, _, named = (artifact.digest or "").partition(":")
            if kind == "sha256" and named.lower() != digest:
                raise Unavailable("its digest is not the one that GitHub names", "it is fetched again")

        return Item(
            id=f"{self._name}/artifact/{artifact.id}",
            label=f"{self._name}: artifact {artifact.name} of run {run.id}",
            fetch=fetch,
            name=lambda file: self._file_name(artifact.name, artifact.id, ".zip" if looks_like_zip(file) else ""),
            provenance=lambda: self._origin_of(artifact, run),
            why_not=lambda: self._why_not(artifact, run),
            expired=artifact.expired,
        )

    def _why_not(self, artifact: Artifact, run: RunOfArtifact) -> str | None:
        wanted, branch = self._wanted, run.head_branch or ""
        if not _matches(artifact.name, wanted.artifacts):
            return "its name is not among github.artifacts"
        if not wanted.forks and of_fork(run, self._run(run.id)):
            return "its run is of a fork (github.forks)"
        if wanted.branches and not _matches(branch, wanted.branches):
            return f"branch {branch or '(none)'} is not among github.branches"
        if wanted.workflows and not any(_matches(each, wanted.workflows) for each in self._run(run.id).workflow):
            return "its workflow is not among github.workflows"
        return None

    def _run(self, number: int | None) -> Run:
        """All that is known of a run; nothing if it was deleted, which it can be while its artifact is still there."""
        if number is None:
            return Run()
        if number not in self._runs:
            address = f"/repos/{self._name}/actions/runs/{number}"
            try:
                self._runs[number] = understand(self._rest.page(address).items, Run, address)
            except Gone:
                self._runs[number] = Run()
        return self._runs[number]

    def _origin_of(self, artifact: Artifact, run: RunOfArtifact) -> Provenance:
        details = self._run(run.id)
        return {
            "source": "github",
            "repository": self._name,
            "private": details.repository.private if details.repository else None,
            "run_id": run.id,
            "commit": run.head_sha,
            "branch": run.head_branch,
            "workflow": next(iter(details.workflow), None),
            "artifact": artifact.name,
            "artifact_id": artifact.id,
        }

    def analyses(self, page: object) -> list[Item]:
        return [self._analysis(each) for each in understand(page, tuple[Analysis, ...], self._name)]

    def _analysis(self, analysis: Analysis) -> Item:
        def fetch(target: Path, largest: int) -> None:
            address = f"/repos/{self._name}/code-scanning/analyses/{analysis.id}"
            self._rest.download(address, target, largest, SARIF)

        def why_not() -> str | None:
            if analysis.of_pull_request and not self._wanted.forks:
                return "it is of a pull request, which may be of a fork (github.forks)"
            if self._wanted.branches and not _matches(analysis.branch, self._wanted.branches):
                return f"branch {analysis.branch} is not among github.branches"
            return None

        return Item(
            id=f"{self._name}/analysis/{analysis.id}",
            label=f"{self._name}: code scanning {analysis.id} of {analysis.branch}",
            fetch=fetch,
            name=lambda file: self._file_name("code-scanning", analysis.id, ".sarif"),
            provenance=lambda: {
                "source": "github",
                "repository": self._name,
                "private": True,  # even a public repository shows these to its writers only
                "commit": analysis.commit_sha,
                "branch": analysis.branch,
                "workflow": analysis.analysis_key,
                "analysis_id": analysis.id,
            },
            why_not=why_not,
        )

    def alerts(self, pages: Iterable[object]) -> Item:
        """All open alerts as one JSON array, by number; its id is a digest of it."""
        every = [alert for page in pages for alert in understand(page, tuple[dict[str, object], ...], self._name)]
        every.sort(key=lambda alert: understand(alert, Alert, self._name).number)
        content = json.dumps(every, sort_keys=True, indent=1).encode()
        digest = hashlib.sha256(content).hexdigest()[:16]

        def fetch(target: Path, largest: int) -> None:
            target.write_bytes(content)

        return Item(
            id=f"{self._name}/dependabot/{digest}",
            label=f"{self._name}: {len(every)} Dependabot alerts",
            fetch=fetch,
            name=lambda file: self._file_name("dependabot", digest, ".json"),
            provenance=lambda: {
                "source": "github",
                "repository": self._name,
                "private": True,
                "workflow": "dependabot",
            },
        )

    def _file_name(self, what: str, number: object, suffix: str) -> str:
        stem = plain(f"github-{self._name}-{what.removesuffix('.zip')}")
        return f"{stem}-{number}{suffix}"


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
