"""Base models: where they lie, and what they are. Never imports mlx, so that the watcher may ask."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from config.settings import Settings
from handlers.records import Record
from watcher.errors import BadInput, Unavailable
from watcher.files import hash_file, write_durable

TINY = "tiny"
"""The name of the embedded model, which lies in the workspace."""
SOURCE = "source.json"
"""Beside a model that `models fetch` brought: where from, and how it was made."""
CONTENT = ("*.json", "*.safetensors", "*.jinja", "*.model", "*.txt")
"""The files that decide what a model answers."""


class Base(Record, frozen=True, kw_only=True):
    """A base model on this machine."""

    name: str
    path: Path
    revision: str  # SHA-256 over names and contents of the files that decide what it answers
    embedded: bool  # the tiny model, for trying and testing only


class Source(Record, frozen=True, kw_only=True):
    """`source.json`: what a fetched model was made of."""

    repository: str  # OWNER/NAME of the Hub
    revision: str  # commit of the Hub
    licence: str | None  # as the repository's card names it
    bits: int | None  # None: not quantised
    mlx_lm: str  # version that made it


class Config(msgspec.Struct):
    """What is read of a model's `config.json`."""

    model_type: str
    scantune_warning: str | None = None


def tiny_folder(root: Path) -> Path:
    """Where the embedded model of a workspace lies."""
    return root / "state" / "models" / TINY


def find_base(name: str, settings: Settings, root: Path) -> Base:
    """The base model `name`: a folder of `base_models_dir`, a path, or "tiny" (the embedded one).

    Raises Unavailable, with the command that brings it, if it is not there; BadInput if the folder is no model.
    """
    folder = _locate(name, settings, root)
    if not folder.is_dir():
        raise Unavailable(f"the base model {name} is not there ({folder})", _remedy(name, settings))
    config = _read_config(folder)
    if not any(folder.glob("*.safetensors")):
        raise BadInput(f"{folder} has no *.safetensors: it is no complete model", _remedy(name, settings))
    try:
        revision = _revision(folder, root / "state" / "models" / "revisions.json")
    except FileNotFoundError as error:
        raise Unavailable(f"{error.filename} went away while the model was read", _remedy(name, settings)) from None
    return Base(name=folder.name, path=folder, revision=revision, embedded=config.scantune_warning is not None)


def read_source(folder: Path) -> Source | None:
    """What `models fetch` wrote beside a model, if it brought it."""
    file = folder / SOURCE
    return msgspec.json.decode(file.read_bytes(), type=Source) if file.is_file() else None


def _locate(name: str, settings: Settings, root: Path) -> Path:
    if name == TINY:
        return tiny_folder(root)
    if os.sep in name or name.startswith("~"):
        return Path(name).expanduser().absolute()
    return settings.base_models_dir.absolute() / name


def _remedy(name: str, settings: Settings) -> str:
    if name == TINY:
        return "run `scantune models tiny`"
    if name == settings.default_base_model:
        return "run `scantune models fetch`, or try things out with `scantune models tiny` and --base-model tiny"
    return "see `scantune models list`, or run `scantune models fetch` for the default one"


def _read_config(folder: Path) -> Config:
    file = folder / "config.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=Config)
    except (OSError, msgspec.DecodeError) as error:
        raise BadInput(f"{file}: {error}", "name the folder of a model as mlx-lm or transformers save it") from None


def _revision(folder: Path, cache: Path) -> str:
    """The digest of a model's content; it is computed again only when a file's size or time has changed."""
    known = _cached(cache)
    stamp = " ".join(_stamps(folder))
    seen = known.get(str(folder))
    if seen is not None and seen[0] == stamp:
        return seen[1]
    revision = content_revision(folder)
    write_durable(cache, msgspec.json.encode({**known, str(folder): (stamp, revision)}))
    return revision


def _cached(cache: Path) -> dict[str, tuple[str, str]]:
    """Path to (stamp, revision); whatever can't be read is computed again."""
    try:
        return msgspec.json.decode(cache.read_bytes(), type=dict[str, tuple[str, str]])
    except (OSError, msgspec.DecodeError):
        return {}


def _stamps(folder: Path) -> Iterator[str]:
    for file in _content(folder):
        state = file.stat()
        yield f"{file.name}:{state.st_size}:{state.st_mtime_ns}:{state.st_ino}"


def content_revision(folder: Path) -> str:
    """SHA-256 over the names and digests of a model's files, wherever it lies."""
    lines = (f"{file.name}\0{hash_file(file)[0]}\n" for file in _content(folder))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _content(folder: Path) -> list[Path]:
    found = {file.name: file for pattern in CONTENT for file in folder.glob(pattern)}
    return [found[name] for name in sorted(found) if name not in (SOURCE, "metadata.json")]
