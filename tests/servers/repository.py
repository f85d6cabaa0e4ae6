"""A repository of the loopback Hub: whole commits, so that a test can count them and read every state."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Blob:
    size: int
    sha1: str  # of git: of "blob SIZE\0" + content; for LFS of the pointer
    sha256: str | None = None  # of an LFS object
    content: bytes = b""  # empty for an LFS object that came by Xet

    def entry(self, path: str) -> dict[str, object]:
        facts: dict[str, object] = {"type": "file", "path": path, "size": self.size, "oid": self.sha1}
        if self.sha256 is not None:
            facts["lfs"] = {"oid": self.sha256, "size": self.size, "pointerSize": 134}
        return facts


@dataclass(frozen=True)
class Commit:
    oid: str
    parent: str | None
    summary: str
    files: Mapping[str, Blob]


@dataclass
class Repository:
    kind: str  # "model" or "dataset"
    name: str  # OWNER/NAME
    private: bool
    commits: list[Commit] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def head(self) -> Commit:
        return self.commits[-1]

    def at(self, revision: str) -> Commit | None:
        wanted = self.head.oid if revision == "main" else self.tags.get(revision, revision)
        return next((each for each in self.commits if each.oid == wanted), None)

    def add(self, summary: str, files: Mapping[str, Blob]) -> Commit:
        parent = self.commits[-1].oid if self.commits else None
        content = sorted((path, blob.sha1) for path, blob in files.items())
        seed = f"{self.kind}{self.name}{parent}{summary}{content}"
        commit = Commit(hashlib.sha1(seed.encode()).hexdigest(), parent, summary, dict(files))
        self.commits.append(commit)
        return commit


def git_blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
