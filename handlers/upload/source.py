"""What a folder publishes: a dataset's job folder, a training's job folder, or a finished model's folder."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from handlers.upload.publication import ATTRIBUTES, CARD, Publication, attributes
from watcher.errors import BadInput

DATASET_FILES = ("*.jsonl", "*.parquet", "*.svg", "*.png", "statistics.json", "croissant.json", CARD)
"""Only these leave a dataset's folder; whatever else a job keeps there is its own."""
TRAIN = "train.jsonl"
CONFIG = "config.json"
METADATA = "metadata.json"
MODEL_RECORD = "model.json"


class ModelRecord(msgspec.Struct, frozen=True):
    """Of a training's `model.json`: the finished model, a folder of `fine_tuned_models_dir`."""

    name: str
    promoted: bool = False
    reasons: tuple[str, ...] = ()


def read(folder: Path, dataset_name: str, models: Path) -> Publication:
    """The publication that a folder makes; `dataset_name` is NAME of PREFIX/NAME for datasets, `models` is where
    finished models lie.

    Raises BadInput if it is neither a dataset nor a model, or lacks what makes it one.
    """
    if (folder / MODEL_RECORD).is_file():
        folder = models / read_record(folder).name
    if (folder / CONFIG).is_file():
        return _model(folder)
    if (folder / TRAIN).is_file():
        return _dataset(folder, dataset_name)
    raise BadInput(
        f"{folder} holds neither a model ({CONFIG}) nor a dataset ({TRAIN})",
        "name a folder of fine_tuned_models_dir, or of outbox/dataset or outbox/training",
    )


def read_record(folder: Path) -> ModelRecord:
    """Raises BadInput for a `model.json` that is no such record."""
    try:
        return msgspec.json.decode((folder / MODEL_RECORD).read_bytes(), type=ModelRecord)
    except (OSError, msgspec.DecodeError) as error:
        raise BadInput(f"{folder / MODEL_RECORD}: {error}", "train again") from None


def _model(folder: Path) -> Publication:
    name, _, number = folder.name.rpartition("-v")
    versioned = bool(name) and number.isdigit()
    sources = _files(folder)
    metadata = _metadata(folder)
    return Publication(
        kind="model",
        name=name if versioned else folder.name,
        version=f"v{number}" if versioned else "",
        sources={ATTRIBUTES: attributes(), **sources},
        base_model=_text(metadata, "base_model"),
        dataset=_text(metadata, "dataset_digest"),
    )


def _dataset(folder: Path, name: str) -> Publication:
    kept = {path: file for path, file in _files(folder).items() if _published(path)}
    return Publication(
        kind="dataset",
        name=name,
        version=dataset_tag(folder),
        sources={ATTRIBUTES: attributes(), **kept},
    )


def dataset_tag(folder: Path) -> str:
    """`d` and 12 hexadecimal digits of the rows' digest: the same for the same rows, whatever the card says."""
    digest = hashlib.sha256()
    for side in sorted(folder.glob("*.jsonl")):
        digest.update(side.name.encode() + hashlib.sha256(side.read_bytes()).digest())
    return f"d{digest.hexdigest()[:12]}"


def _files(folder: Path) -> dict[str, Path]:
    """The regular files by their path; hidden ones (but `.gitattributes`), links and what they point to stay out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") and part != ATTRIBUTES for part in parts)
        if path.is_file() and not path.is_symlink() and not hidden:
            found["/".join(parts)] = path
    return found


def _published(path: str) -> bool:
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in DATASET_FILES)


def _metadata(folder: Path) -> Mapping[str, object]:
    file = folder / METADATA
    if not file.is_file():
        return {}
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, object])
    except msgspec.DecodeError as error:
        raise BadInput(f"{file}: {error}", "the folder is damaged; train again") from None


def _text(metadata: Mapping[str, object], name: str) -> str | None:
    value = metadata.get(name)
    return value if isinstance(value, str) else None
