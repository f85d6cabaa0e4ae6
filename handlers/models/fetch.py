"""Brings a base model from the Hub and quantises it, into `base_models_dir`. Imports MLX: own process only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import msgspec

from config.settings import Settings
from handlers.models.base import SOURCE, Source
from handlers.models.convert import convert
from handlers.models.folder import commit, place
from handlers.terminal import progress_bars
from handlers.upload.faults import EXPLAINED, explain
from handlers.upload.gates import front_matter
from watcher.errors import BadInput
from watcher.files import make_folder, remove_tree

PATTERNS = ("*.json", "model*.safetensors", "*.txt", "*.jinja", "tokenizer.model", "README.md")
BITS = {"none": None, "q4": 4, "q8": 8}

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model of the Hub."""

    repository: str  # OWNER/NAME
    revision: str  # a commit, a tag or a branch
    name: str  # of the folder, before what says how it is quantised


OLMO = Wanted("allenai/OLMo-2-0425-1B-Instruct", "48d788eca847d4d7548f375ad03d3c9312f6139e", "OLMo-2-1B-mlx")
"""The default; pinned, so that everybody has the same base and nobody can replace it unseen."""


def fetch(wanted: Wanted, settings: Settings, say: Say) -> Path:
    """The folder of the model in `base_models_dir`, downloaded and quantised if it is not there yet.

    A download that was broken off goes on where it was. Raises Unavailable for whatever the network or the disk did,
    BadInput for a repository that is not there or no model that mlx-lm reads.
    """
    quantisation = settings.fine_tuning.mlx.quantization
    target = settings.base_models_dir / (wanted.name + ("" if quantisation == "none" else f"-{quantisation}"))
    with place(settings.base_models_dir):
        if target.is_dir():
            say(f"{target} is there already")
            return target
        download = target.with_name(f".{target.name}.download")
        commit_id = _download(wanted, download, say)
        scratch = target.with_name(f".{target.name}.making")
        remove_tree(scratch)
        say(f"making {target}" + ("" if BITS[quantisation] is None else f", {BITS[quantisation]} bits a weight"))
        convert(download, make_folder(scratch), BITS[quantisation])
        _write_source(download, scratch, wanted.repository, commit_id, BITS[quantisation])
        commit(scratch, target)
        remove_tree(download)
    return target


def _download(wanted: Wanted, folder: Path, say: Say) -> str:
    """Downloads the files that count; returns the commit."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    say(f"downloading {wanted.repository} at {wanted.revision} to {folder}")
    try:
        api = HfApi(library_name="scantune")
        commit_id = api.model_info(wanted.repository, revision=wanted.revision).sha or wanted.revision
        with progress_bars():
            api.snapshot_download(
                wanted.repository, revision=commit_id, local_dir=folder, allow_patterns=list(PATTERNS)
            )
    except (RepositoryNotFoundError, RevisionNotFoundError):
        raise BadInput(
            f"{wanted.repository} at {wanted.revision}: there is no such model, or it is not public",
            "check the name; if it is private or asks for consent, log in with `hf auth login`",
        ) from None
    except EXPLAINED as error:
        raise explain(error, wanted.repository) from None
    return commit_id


def _write_source(download: Path, folder: Path, repository: str, revision: str, bits: int | None) -> None:
    card = download / "README.md"
    licence = front_matter(card.read_text(encoding="utf-8")).get("license") if card.is_file() else None
    source = Source(
        repository=repository,
        revision=revision,
        licence=licence if isinstance(licence, str) else None,
        bits=bits,
        mlx_lm=version("mlx-lm"),
    )
    (folder / SOURCE).write_bytes(msgspec.json.format(msgspec.json.encode(source), indent=1) + b"\n")
