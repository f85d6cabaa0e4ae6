"""What is published: a named, versioned set of files with their digests, the same for a folder and for the Hub."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from handlers.records import Record
from watcher.files import CHUNK

Kind = Literal["model", "dataset"]
CARD = "README.md"
ATTRIBUTES = ".gitattributes"
LARGE = ("*.safetensors", "*.parquet", "*.gguf", "*.npz", "*.bin")
"""Kept as large files (LFS or Xet) by the Hub; `.gitattributes` says so, as git wants it."""


class Digests(Record, frozen=True, kw_only=True):
    """One published file. The Hub names a large file by its SHA-256 and a small one by git's SHA-1 of the blob."""

    path: str  # in the publication, `/`-separated
    size: int  # bytes
    sha256: str
    git: str


class Published(Record, frozen=True, kw_only=True):
    """`publication.json`: what was published where; written only after the digests there were found to be right."""

    kind: Kind
    name: str  # NAME of PREFIX/NAME, or of the folder
    version: str  # the tag, or the end of the folder's name
    to: Literal["local", "hub"]
    where: str  # the folder (relative to the workspace if it lies in it), or the page of the commit
    commit: str | None  # of the Hub; None for a folder
    private: bool | None  # visibility on the Hub; None for a folder
    content: str  # digest over `files`
    files: tuple[Digests, ...]


@dataclass(frozen=True)
class Publication:
    """Files by their path in the publication, each a file on disk or, where it is made for the occasion, its bytes."""

    kind: Kind
    name: str
    version: str
    sources: Mapping[str, Path | bytes]
    dataset: str | None = None  # the tag of the dataset that a model was trained on
    losses: tuple[float, float] | None = None  # of the base and of the model, on the validation rows
    job: str = ""  # key of the job that made it, "" if unknown
    private_sources: tuple[str, ...] = ()  # repositories known to be private whose findings are in it

    @property
    def label(self) -> str:
        """NAME-VERSION: what a person calls it."""
        return f"{self.name}-{self.version}" if self.version else self.name

    @property
    def card(self) -> str:
        return read(self.sources[CARD]).decode("utf-8") if CARD in self.sources else ""

    def digests(self) -> tuple[Digests, ...]:
        """The digests of all files, in the order of their paths."""
        return tuple(digests(path, self.sources[path]) for path in sorted(self.sources))


def read(source: Path | bytes) -> bytes:
    return source if isinstance(source, bytes) else source.read_bytes()


def size_of(source: Path | bytes) -> int:
    """Bytes of a file."""
    return len(source) if isinstance(source, bytes) else source.stat().st_size


def _chunks(source: Path | bytes) -> Iterable[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as file:
        while data := file.read(CHUNK):
            yield data


def digests(path: str, source: Path | bytes) -> Digests:
    """Both digests of one file, read once. Git's is the SHA-1 of `blob SIZE\\0` and the content."""
    size = size_of(source)
    sha256, git = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    for data in _chunks(source):
        sha256.update(data)
        git.update(data)
    return Digests(path=path, size=size, sha256=sha256.hexdigest(), git=git.hexdigest())


def content_digest(files: Iterable[Digests]) -> str:
    """One digest over names and contents, in the order of names."""
    lines = (f"{each.path}\0{each.sha256}\n" for each in sorted(files, key=lambda each: each.path))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def differences(wanted: Iterable[Digests], there: Mapping[str, str]) -> list[Digests]:
    """The files that are missing or other at a place that names each path's SHA-256 or git digest."""
    return [each for each in wanted if there.get(each.path) not in (each.sha256, each.git)]


def attributes() -> bytes:
    return "".join(f"{pattern} filter=lfs diff=lfs merge=lfs -text\n" for pattern in LARGE).encode()


def dump(published: Published) -> bytes:
    return msgspec.json.format(msgspec.json.encode(published, order="deterministic"), indent=1) + b"\n"
