"""The Hugging Face Hub on loopback, as far as `huggingface_hub` speaks to it: repositories, commits, LFS, Xet, tags.

Commits are kept whole, so that a test can count them and read every state that a client could have seen.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping

import yaml

from tests.servers.repository import Blob, Commit, Repository, git_blob
from tests.servers.web import Answer, Loopback, Request, reply

TOKEN = "hf_loopback_only_token"
API = r"/api/(?P<kind>model|dataset)s/(?P<name>[^/]+/[^/]+)"
PAGE = r"/(?P<kind>datasets/)?(?P<name>[^/]+/[^/]+?)"
ROUTES = (
    ("GET", "/api/whoami-v2", "whoami"),
    ("POST", "/api/repos/create", "create"),
    ("POST", "/api/validate-yaml", "validate"),
    ("GET", API + "(/revision/(?P<revision>.+))?", "info"),
    ("GET", API + "/tree/(?P<revision>[^/]+)", "tree"),
    ("GET", API + "/refs", "refs"),
    ("PUT", API + "/settings", "settings"),
    ("POST", API + "/tag/(?P<revision>[^/]+)", "tag"),
    ("POST", API + "/preupload/(?P<revision>[^/]+)", "preupload"),
    ("POST", API + "/commit/(?P<revision>[^/]+)", "commit"),
    ("GET", API + "/xet-(?P<access>read|write)-token/(?P<revision>.+)", "xet_token"),
    ("POST", PAGE + r"\.git/info/lfs/objects/batch", "batch"),
    ("PUT", "/lfs/(?P<oid>[0-9a-f]{64})", "put_object"),
    ("PUT", "/lfs/(?P<oid>[0-9a-f]{64})/part/(?P<number>[0-9]+)", "put_part"),
    ("POST", "/lfs/(?P<oid>[0-9a-f]{64})/complete", "complete"),
    ("POST", "/lfs/(?P<oid>[0-9a-f]{64})/verify", "verify"),
    ("POST", "/cas/v1/xorbs/.+", "put_xorb"),
    ("POST", "/cas(/v1)?/shards", "put_shard"),
    ("GET HEAD", PAGE + "/resolve/(?P<revision>[^/]+)/(?P<path>.+)", "resolve"),
)
GUARDED = {"whoami", "create", "settings", "tag", "preupload", "commit", "batch", "xet_token"}
LFS_SUFFIXES = (".safetensors", ".parquet", ".bin", ".gguf", ".zip")


def refusal(status: int, code: str, message: str) -> Answer:
    return reply({"error": message}, status, X_Error_Code=code, X_Error_Message=message)


class Hub(Loopback):
    """`with Hub() as hub:` serves at `hub.url`; repositories are in `hub.repositories[kind, name]`."""

    page = 1000  # entries of a tree in one answer
    part = 0  # bytes of one part of a multipart upload; 0: uploads go in one piece

    def __init__(self, owners: tuple[str, ...] = ("acme",)) -> None:
        super().__init__()
        self.owners = owners
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.objects: dict[str, bytes] = {}  # LFS objects by digest
        self.shards: list[bytes] = []  # what the Xet client registered
        self.parts: dict[tuple[str, int], bytes] = {}

    def add(self, kind: str, name: str, files: Mapping[str, bytes], *, private: bool = True) -> Repository:
        """A repository that is there already; files with the suffix of an LFS file are kept as such."""
        repository = self._create(kind, name, private)
        repository.add("Add files", {path: self._blob(path, content) for path, content in files.items()})
        return repository

    def answer(self, request: Request) -> Answer:
        for methods, pattern, name in ROUTES:
            if request.method in methods.split() and (match := re.fullmatch(pattern, request.path)):
                if name in GUARDED and request.headers.get("authorization") != f"Bearer {TOKEN}":
                    return refusal(401, "Unauthorized", "Invalid credentials in Authorization header")
                facts = match.groupdict()
                if "kind" in facts:
                    facts["kind"] = "dataset" if (facts["kind"] or "").startswith("dataset") else "model"
                answer: Answer = getattr(self, name)(request, **facts)
                return answer
        return reply({"error": f"no such page: {request.method} {request.path}"}, 404)

    # repositories

    def whoami(self, request: Request) -> Answer:
        return reply({"type": "user", "name": self.owners[0], "orgs": [{"name": each} for each in self.owners[1:]]})

    def create(self, request: Request) -> Answer:
        asked = request.json()
        kind, owner = asked.get("type") or "model", asked.get("organization") or self.owners[0]
        name = f"{owner}/{asked['name']}"
        if owner not in self.owners:
            return refusal(
                403, "Forbidden", f"You don't have the rights to create a {kind} under the namespace {owner}"
            )
        body = {"url": f"{self.url}/{self._prefix(kind)}{name}", "name": name, "id": "1"}
        if (kind, name) in self.repositories:
            return reply({"error": "You already created this repo", **body}, 409)
        self._create(kind, name, asked.get("visibility") == "private" or asked.get("private") is True)
        return reply(body)

    def settings(self, request: Request, kind: str, name: str) -> Answer:
        self.repositories[kind, name].private = request.json()["visibility"] == "private"
        return reply({})

    def info(self, request: Request, kind: str, name: str, revision: str | None) -> Answer:
        found = self._find(request, kind, name, revision or "main")
        if isinstance(found, Answer):
            return found
        repository, commit = found
        siblings = [{"rfilename": path} for path in sorted(commit.files)]
        facts = {"_id": "1", "id": name, "sha": commit.oid, "private": repository.private, "siblings": siblings}
        return reply(facts | {"tags": [], "downloads": 0, "likes": 0})

    def tree(self, request: Request, kind: str, name: str, revision: str) -> Answer:
        found = self._find(request, kind, name, revision)
        if isinstance(found, Answer):
            return found
        start = int(request.query.get("cursor", 0))
        paths = sorted(found[1].files)
        page = [found[1].files[path].entry(path) for path in paths[start : start + self.page]]
        if start + self.page >= len(paths):
            return reply(page)
        following = f"{self.url}{request.path}?recursive=True&cursor={start + self.page}"
        return reply(page, Link=f'<{following}>; rel="next"')

    def refs(self, request: Request, kind: str, name: str) -> Answer:
        found = self._find(request, kind, name, "main")
        if isinstance(found, Answer):
            return found
        tags = [{"name": tag, "ref": f"refs/tags/{tag}", "targetCommit": oid} for tag, oid in found[0].tags.items()]
        main = {"name": "main", "ref": "refs/heads/main", "targetCommit": found[0].head.oid}
        return reply({"branches": [main], "converts": [], "tags": tags})

    def tag(self, request: Request, kind: str, name: str, revision: str) -> Answer:
        found = self._find(request, kind, name, revision)
        if isinstance(found, Answer):
            return found
        tag = request.json()["tag"]
        if tag in found[0].tags:
            return reply({"error": f"Tag reference exists already: {tag}"}, 409)
        found[0].tags[tag] = found[1].oid
        return reply({})

    # commits

    def validate(self, request: Request) -> Answer:
        content = request.json()["content"]
        front = re.match(r"---\n(.*?)\n---\n", content, re.DOTALL)
        metadata = yaml.safe_load(front[1]) if front else None
        if not isinstance(metadata, dict):
            return reply({"errors": [], "warnings": [{"message": "empty or missing yaml metadata in repo card"}]})
        if not isinstance(metadata.get("license", ""), str):
            return reply({"errors": [{"message": '"license" must be a string'}], "warnings": []}, 400)
        return reply({"errors": [], "warnings": []})

    def preupload(self, request: Request, kind: str, name: str, revision: str) -> Answer:
        found = self._find(request, kind, name, revision)
        if isinstance(found, Answer):
            return found
        files = []
        for asked in request.json()["files"]:
            there = found[1].files.get(asked["path"])
            large = asked["path"].endswith(LFS_SUFFIXES) or asked["size"] > 10_000_000
            oid = None if there is None else there.sha256 or there.sha1
            mode = "lfs" if large else "regular"
            files.append({"path": asked["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        return reply({"files": files})

    def commit(self, request: Request, kind: str, name: str, revision: str) -> Answer:
        found = self._find(request, kind, name, revision)
        if isinstance(found, Answer):
            return found
        repository, files = found[0], dict(found[1].files)
        header, *operations = (json.loads(line) for line in request.body.splitlines())
        if header["value"].get("parentCommit", repository.head.oid) != repository.head.oid:
            return reply({"error": "The given parent commit is not the head of the branch"}, 412)
        for operation in operations:
            value, path = operation["value"], operation["value"]["path"]
            if operation["key"] == "deletedFile":
                del files[path]
            elif operation["key"] == "file":
                files[path] = self._blob("", base64.b64decode(value["content"]))
            elif not self._has(value["oid"]):
                return reply({"error": f"LFS object {value['oid']} was never uploaded"}, 400)
            else:
                files[path] = self._large(value["oid"], value["size"])
        commit = repository.add(header["value"]["summary"], files)
        where = f"{self.url}/{self._prefix(kind)}{name}/commit/{commit.oid}"
        return reply({"success": True, "commitOid": commit.oid, "commitUrl": where})

    # LFS: the basic and the multipart transfer

    def batch(self, request: Request, kind: str, name: str) -> Answer:
        return reply({"transfer": "basic", "objects": [self._transfer(each) for each in request.json()["objects"]]})

    def _transfer(self, wanted: dict[str, object]) -> dict[str, object]:
        oid, size = str(wanted["oid"]), int(str(wanted["size"]))
        if oid in self.objects:
            return wanted
        upload: dict[str, object] = {"href": f"{self.url}/lfs/{oid}"}
        if self.part:
            count = -(-size // self.part)
            header = {f"{n:05d}": f"{self.url}/lfs/{oid}/part/{n}" for n in range(1, count + 1)}
            upload = {"href": f"{self.url}/lfs/{oid}/complete", "header": {"chunk_size": str(self.part), **header}}
        verify = {"href": f"{self.url}/lfs/{oid}/verify"}
        return {**wanted, "authenticated": True, "actions": {"upload": upload, "verify": verify}}

    def put_object(self, request: Request, oid: str) -> Answer:
        if hashlib.sha256(request.body).hexdigest() != oid:
            return reply({"error": "the content does not have this digest"}, 400)
        self.objects[oid] = request.body
        return reply({})

    def put_part(self, request: Request, oid: str, number: str) -> Answer:
        self.parts[oid, int(number)] = request.body
        return reply({}, ETag=f'"{hashlib.md5(request.body).hexdigest()}"')

    def complete(self, request: Request, oid: str) -> Answer:
        numbers = [int(each["partNumber"]) for each in request.json()["parts"]]
        whole = b"".join(self.parts[oid, number] for number in numbers)
        return self.put_object(Request("PUT", "", {}, {}, whole), oid)

    def verify(self, request: Request, oid: str) -> Answer:
        return reply({}) if oid in self.objects else reply({"error": "not there"}, 404)

    # Xet: chunks go to a content-addressed store; only the shard tells the digest of a whole file

    def xet_token(self, request: Request, kind: str, name: str, access: str, revision: str) -> Answer:
        facts = {"casUrl": f"{self.url}/cas", "exp": 4_102_444_800, "accessToken": "xet_loopback_only_token"}
        names = {"X-Xet-Cas-Url": facts["casUrl"], "X-Xet-Access-Token": facts["accessToken"]}
        headers = {"Content-Type": "application/json", "X-Xet-Token-Expiration": str(facts["exp"])} | names
        return Answer(200, json.dumps(facts).encode(), {key: str(value) for key, value in headers.items()})

    def put_xorb(self, request: Request) -> Answer:
        return reply({"was_inserted": True})

    def put_shard(self, request: Request) -> Answer:
        self.shards.append(request.body)
        return reply({"result": 1})

    # downloads

    def resolve(self, request: Request, kind: str, name: str, revision: str, path: str) -> Answer:
        found = self._find(request, kind, name, revision)
        if isinstance(found, Answer):
            return found
        if (blob := found[1].files.get(path)) is None:
            return refusal(404, "EntryNotFound", f"{path} does not exist")
        headers = {"X-Repo-Commit": found[1].oid, "ETag": f'"{blob.sha256 or blob.sha1}"', "Accept-Ranges": "bytes"}
        if start := re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", "")):
            span = f"bytes {start[1]}-{blob.size - 1}/{blob.size}"
            return Answer(206, blob.content[int(start[1]) :], headers | {"Content-Range": span})
        length = {"Content-Length": str(blob.size)} if request.method == "HEAD" else {}
        return Answer(200, blob.content, headers | length)

    # what the above share

    def _find(self, request: Request, kind: str, name: str, revision: str) -> tuple[Repository, Commit] | Answer:
        repository = self.repositories.get((kind, name))
        known = request.headers.get("authorization") == f"Bearer {TOKEN}"
        if repository is None or (repository.private and not known):
            return refusal(404 if known else 401, "RepoNotFound", "Repository not found")
        commit = repository.at(revision)
        return (repository, commit) if commit else refusal(404, "RevisionNotFound", f"Invalid rev id: {revision}")

    def _create(self, kind: str, name: str, private: bool) -> Repository:
        repository = self.repositories[kind, name] = Repository(kind, name, private)
        repository.add("initial commit", {".gitattributes": self._blob("", b"*.safetensors filter=lfs\n")})
        return repository

    def _blob(self, path: str, content: bytes) -> Blob:
        if not path.endswith(LFS_SUFFIXES):
            return Blob(len(content), git_blob(content), None, content)
        oid = hashlib.sha256(content).hexdigest()
        self.objects[oid] = content
        return self._large(oid, len(content))

    def _large(self, oid: str, size: int) -> Blob:
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"
        return Blob(size, git_blob(pointer.encode()), oid, self.objects.get(oid, b""))

    def _has(self, oid: str) -> bool:
        """True if the object came by LFS, or a registered shard names its digest (as four little-endian words)."""
        digest = bytes.fromhex(oid)
        words = b"".join(digest[start : start + 8][::-1] for start in range(0, 32, 8))
        return oid in self.objects or any(digest in shard or words in shard for shard in self.shards)

    @staticmethod
    def _prefix(kind: str) -> str:
        return "datasets/" if kind == "dataset" else ""
