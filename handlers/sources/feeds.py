"""What GitHub offers of one repository: artifacts of workflow runs, code-scanning analyses, Dependabot alerts.

The fields are those of the REST API, version 2022-11-28 (docs.github.com/rest/actions/artifacts, …/code-scanning,
…/dependabot/alerts).
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.settings import GitHub as Wanted
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
    fetch: Callable[[Path, int], None]  # writes it to a file, at most so many bytes; raises JobError
    name: Callable[[Path], str]  # its name in the inbox, given the fetched file
    provenance: Callable[[], Provenance]
    why_not: str | None = None  # why the settings leave it out
    expired: bool = False


@dataclass(frozen=True, slots=True)
class Feed:
    """One listing, newest first: `items` of each page, or one item that is a `snapshot` of all pages."""

    listing: str
    items: Callable[[Any], Sequence[Item]] | None = None
    snapshot: Callable[[Iterable[Any]], Item] | None = None


def feeds(rest: Rest, repository: str, wanted: Wanted) -> list[Feed]:
    """The feeds of OWNER/NAME that the settings ask for."""
    source, base = Repository(rest, repository, wanted), f"/repos/{repository}"
    chosen = [Feed(f"{base}/actions/artifacts?{PAGE}", items=source.artifacts)] if wanted.artifacts else []
    if wanted.code_scanning:
        chosen.append(Feed(f"{base}/code-scanning/analyses?{PAGE}", items=source.analyses))
    if wanted.dependabot:
        # By time of change, so that any change shows on the first page and in its ETag.
        listing = f"{base}/dependabot/alerts?{PAGE}&state=open&sort=updated&direction=desc"
        chosen.append(Feed(listing, snapshot=source.alerts))
    return chosen


class Repository:
    """Makes items of what the API lists for one repository."""

    def __init__(self, rest: Rest, name: str, wanted: Wanted) -> None:
        self._rest = rest
        self._name = name
        self._wanted = wanted
        self._runs: dict[int, Mapping[str, Any]] = {}

    def artifacts(self, page: Mapping[str, Any]) -> list[Item]:
        return [self._artifact(each) for each in page["artifacts"]]

    def _artifact(self, facts: Mapping[str, Any]) -> Item:
        run = facts.get("workflow_run") or {}
        address = f"/repos/{self._name}/actions/artifacts/{facts['id']}/zip"

        def fetch(target: Path, largest: int) -> None:
            digest = f"sha256:{self._rest.download(address, target, largest)}"
            if facts.get("digest") not in (None, digest):
                raise Unavailable(f"artifact {facts['id']}: its digest is not the one that GitHub names", "tried again")

        return Item(
            id=f"{self._name}/artifact/{facts['id']}",
            label=f"{self._name}: artifact {facts['name']} of run {run.get('id')}",
            fetch=fetch,
            name=lambda file: self._file_name(facts["name"], facts["id"], ".zip" if looks_like_zip(file) else ""),
            provenance=lambda: self._of_run(facts, run),
            why_not=None if facts["expired"] else self._why_not(facts, run),
            expired=facts["expired"],
        )

    def _why_not(self, facts: Mapping[str, Any], run: Mapping[str, Any]) -> str | None:
        wanted, branch = self._wanted, run.get("head_branch") or ""
        if not _matches(facts["name"], wanted.artifacts):
            return "its name is not among github.artifacts"
        if not wanted.forks and run.get("head_repository_id") != run.get("repository_id"):
            return "its run is of a fork (github.forks)"
        if wanted.branches and not _matches(branch, wanted.branches):
            return f"branch {branch or '(none)'} is not among github.branches"
        if wanted.workflows and not any(_matches(each, wanted.workflows) for each in _workflow(self._run(run))):
            return "its workflow is not among github.workflows"
        return None

    def _run(self, run: Mapping[str, Any]) -> Mapping[str, Any]:
        """All that is known of a run; the listing of artifacts does not name its workflow."""
        number = run.get("id")
        if number is None:
            return {}
        if number not in self._runs:
            try:
                self._runs[number] = self._rest.page(f"/repos/{self._name}/actions/runs/{number}").items
            except Gone:  # a run can be deleted while its artifact is still there
                self._runs[number] = {}
        return self._runs[number]

    def _of_run(self, facts: Mapping[str, Any], run: Mapping[str, Any]) -> Provenance:
        details = self._run(run)
        return {
            "source": "github",
            "repository": self._name,
            "private": _is_private(details),
            "run_id": run.get("id"),
            "commit": run.get("head_sha"),
            "branch": run.get("head_branch"),
            "workflow": next(iter(_workflow(details)), None),
            "artifact": facts["name"],
            "artifact_id": facts["id"],
        }

    def analyses(self, page: Sequence[Mapping[str, Any]]) -> list[Item]:
        return [self._analysis(each) for each in page]

    def _analysis(self, facts: Mapping[str, Any]) -> Item:
        branch = str(facts.get("ref", "")).removeprefix("refs/heads/")
        address = f"/repos/{self._name}/code-scanning/analyses/{facts['id']}"
        left_out = self._wanted.branches and not _matches(branch, self._wanted.branches)

        def fetch(target: Path, largest: int) -> None:
            target.write_bytes(self._rest.content(address, SARIF))

        return Item(
            id=f"{self._name}/analysis/{facts['id']}",
            label=f"{self._name}: code scanning {facts['id']} of {branch}",
            fetch=fetch,
            name=lambda file: self._file_name("code-scanning", facts["id"], ".sarif"),
            provenance=lambda: {
                "source": "github",
                "repository": self._name,
                "commit": facts.get("commit_sha"),
                "branch": branch,
                "workflow": facts.get("analysis_key"),
                "analysis_id": facts["id"],
            },
            why_not=f"branch {branch} is not among github.branches" if left_out else None,
        )

    def alerts(self, pages: Iterable[Sequence[Mapping[str, Any]]]) -> Item:
        """All open alerts as one JSON array, by number; its id is a digest of it."""
        every = sorted((alert for page in pages for alert in page), key=lambda alert: int(alert["number"]))
        content = json.dumps(every, sort_keys=True, indent=1).encode()
        digest = hashlib.sha256(content).hexdigest()[:16]

        def fetch(target: Path, largest: int) -> None:
            target.write_bytes(content)

        return Item(
            id=f"{self._name}/dependabot/{digest}",
            label=f"{self._name}: {len(every)} Dependabot alerts",
            fetch=fetch,
            name=lambda file: self._file_name("dependabot", digest, ".json"),
            provenance=lambda: {"source": "github", "repository": self._name, "workflow": "dependabot"},
        )

    def _file_name(self, what: str, number: object, suffix: str) -> str:
        stem = plain(f"github-{self._name}-{what.removesuffix('.zip')}")
        return f"{stem}-{number}{suffix}"


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _workflow(run: Mapping[str, Any]) -> list[str]:
    """What a workflow may be called: its name, and its file's name."""
    file = str(run.get("path") or "").partition("@")[0].rpartition("/")[2]
    return [each for each in (run.get("name"), file) if each]


def _is_private(run: Mapping[str, Any]) -> bool | None:
    private = (run.get("repository") or {}).get("private")
    return private if isinstance(private, bool) else None
