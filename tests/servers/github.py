"""GitHub's REST API on loopback, and the storage host that its downloads are redirected to."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import ssl
from dataclasses import dataclass, field
from typing import Any, Literal, Self
from urllib.parse import quote

from tests.servers.web import Answer, Loopback, Request, reply

TOKEN = "ghp_loopback_only_token"
REPOSITORY_ID = 7


class Storage(Loopback):
    """Serves a link once and for one object; a request with a token is a leak and is refused."""

    def __init__(self) -> None:
        super().__init__()
        self.links: dict[str, bytes] = {}

    def answer(self, request: Request) -> Answer:
        if "authorization" in request.headers:
            return reply({"error": "a token was shown to the storage host"}, 400)
        content = self.links.get(request.path)
        return Answer(403) if content is None else Answer(200, content, {"Content-Type": "application/zip"})


@dataclass
class Project:
    """One repository: newest artifacts first, as GitHub lists them."""

    name: str
    private: bool = True
    artifacts: list[dict[str, Any]] = field(default_factory=list)
    contents: dict[int, bytes] = field(default_factory=dict)
    runs: dict[int, dict[str, Any]] = field(default_factory=dict)
    analyses: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self,
        content: bytes,
        name: str = "scan",
        *,
        branch: str = "main",
        workflow: str = "Security",
        fork: bool = False,
        expired: bool = False,
        digest: str | None = None,
    ) -> int:
        """Adds an artifact of a new run; returns its id."""
        number = 1000 + len(self.contents)
        run: dict[str, Any] = {
            "id": 5000 + number,
            "repository_id": REPOSITORY_ID,
            "head_repository_id": 8 if fork else REPOSITORY_ID,
            "head_branch": branch,
            "head_sha": hashlib.sha1(str(number).encode()).hexdigest(),
        }
        self.runs[run["id"]] = {
            "id": run["id"],
            "name": workflow,
            "path": f".github/workflows/{workflow.lower()}.yml@refs/heads/{branch}",
            "repository": {"private": self.private},
        }
        facts = {
            "id": number,
            "name": name,
            "size_in_bytes": len(content),
            "expired": expired,
            "digest": digest or f"sha256:{hashlib.sha256(content).hexdigest()}",
            "workflow_run": run,
        }
        self.artifacts.insert(0, facts)
        self.contents[number] = content
        return number


class GitHub(Loopback):
    """`with GitHub() as github:` serves at `github.url`; projects by OWNER/NAME. Listings carry ETags.

    The attributes make it answer as other servers of this protocol may.
    """

    etags: Literal["weak", "strong", "none", "fresh"] = "weak"  # fresh: another one each time, so never a 304
    links: Literal["full", "relative"] = "full"
    own_storage = False  # downloads are redirected to a path of the same host

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.projects: dict[str, Project] = {}
        self.storage = Storage()

    def __enter__(self) -> Self:
        self.storage.__enter__()
        return super().__enter__()

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        self.storage.__exit__(*exception)

    def add(self, name: str = "acme/app") -> Project:
        project = self.projects[name] = Project(name)
        return project

    def fresh(self, since: int) -> list[Request]:
        """Requests from the given one on."""
        return self.requests[since:]

    def answer(self, request: Request) -> Answer:
        if request.path.startswith("/storage/"):
            return Answer(200, self.storage.links[request.path.removeprefix("/storage")])
        if request.headers.get("authorization") not in (f"Bearer {TOKEN}", f"token {TOKEN}"):
            return reply({"message": "Bad credentials"}, 401)
        match = re.fullmatch(r"(?:/api/v3)?/repos/([^/]+/[^/]+)/(.+)", request.path)
        project = self.projects.get(match[1]) if match else None
        if match is None or project is None:
            return reply({"message": "Not Found"}, 404)
        return self._of(project, match[2], request)

    def _of(self, project: Project, what: str, request: Request) -> Answer:
        if what == "actions/artifacts":
            total = len(project.artifacts)
            return self._listing(request, project.artifacts, lambda page: {"total_count": total, "artifacts": page})
        if run := re.fullmatch(r"actions/runs/(\d+)/artifacts", what):
            of_run = [each for each in project.artifacts if each["workflow_run"]["id"] == int(run[1])]
            zips = f"{self.url}/api/v3/repos/{project.name}/actions/artifacts"
            shown = [each | {"archive_download_url": f"{zips}/{each['id']}/zip"} for each in of_run]
            return self._listing(request, shown, lambda page: {"total_count": len(shown), "artifacts": page})
        if what == "code-scanning/analyses":
            return self._listing(request, project.analyses, lambda page: page)
        if what == "dependabot/alerts" and "page" in request.query:
            return reply({"message": "Pagination using the `page` parameter is not supported."}, 400)
        if what == "dependabot/alerts":
            return self._listing(request, project.alerts, lambda page: page, cursor=True)
        kind, _, rest = what.rpartition("/artifacts/") if what.endswith("/zip") else what.rpartition("/")
        if what.endswith("/zip"):
            return self._redirect(project, int(rest.removesuffix("/zip")))
        if kind == "actions/runs" and int(rest) in project.runs:
            return reply(project.runs[int(rest)])
        if kind == "code-scanning/analyses" and request.headers["accept"] == "application/sarif+json":
            sarif = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "CodeQL"}}, "results": []}], "id": rest}
            return Answer(200, json.dumps(sarif).encode(), {"Content-Type": "application/sarif+json"})
        return reply({"message": "Not Found"}, 404)

    def _redirect(self, project: Project, number: int) -> Answer:
        facts = next((each for each in project.artifacts if each["id"] == number), None)
        if facts is None or facts["expired"]:
            return reply({"message": "Artifact has expired"}, 410)
        link = f"/{number}/{len(self.storage.links)}"
        self.storage.links[link] = project.contents[number]
        if self.own_storage:
            return Answer(302, b"", {"Location": f"/storage{link}"})
        return Answer(302, b"", {"Location": f"{self.storage.url}{link}?sig=signature"})

    def _listing(self, request: Request, every: list[dict[str, Any]], shape: Any, *, cursor: bool = False) -> Answer:
        size = int(request.query.get("per_page", 30))
        start = _read_cursor(request) if cursor else (int(request.query.get("page", 1)) - 1) * size
        page = shape(every[start : start + size])
        headers = self._etag(page)
        if "ETag" in headers and request.headers.get("if-none-match") == headers["ETag"]:
            return Answer(304, b"", headers)
        answer = reply(page)
        if start + size < len(every):
            place = _cursor(start + size) if cursor else f"page={start // size + 2}"
            headers["Link"] = f'<{self._base()}{request.path}?per_page={size}&{place}>; rel="next"'
        return Answer(200, answer.body, {**answer.headers, **headers})

    def _etag(self, page: object) -> dict[str, str]:
        digest = hashlib.sha256(json.dumps(page).encode()).hexdigest()
        tags = {"weak": f'W/"{digest}"', "strong": f'"{digest}"', "fresh": f'"{len(self.requests)}"'}
        named = {"ETag": tags[self.etags]} if self.etags in tags else {}
        return {**named, "Cache-Control": "private, max-age=60"}

    def _base(self) -> str:
        return "" if self.links == "relative" else self.url


def _cursor(start: int) -> str:
    """Opaque, as cursors are, and with letters that need quoting."""
    return f"after={quote(base64.b64encode(f'v2>{start}'.encode()), safe='')}"


def _read_cursor(request: Request) -> int:
    after = request.query.get("after")
    return int(base64.b64decode(after).split(b">")[1]) if after else 0
