"""What a folder publishes: a dataset's job folder, a training's job folder, or a finished model's folder."""

from __future__ import annotations

import fnmatch
from pathlib import Path

import msgspec

from handlers.dataset.parts import side_files
from handlers.training.rows import load_sides
from handlers.upload.publication import ATTRIBUTES, CARD, Publication, attributes
from watcher.errors import BadInput

DATASET_FILES = ("*.jsonl", "*.parquet", "*.svg", "*.png", "statistics.json", "croissant.json", CARD)
"""Only these leave a dataset's folder: rows and their lineage, figures, card. What else a job keeps is its own."""
CONFIG = "config.json"
METADATA = "metadata.json"
MODEL_RECORD = "model.json"


class ModelRecord(msgspec.Struct, frozen=True):
    """Of a training's `model.json`: the finished model, a folder of `fine_tuned_models_dir`."""

    name: str
    promoted: bool = False
    reasons: tuple[str, ...] = ()


class Loss(msgspec.Struct, frozen=True):
    """A loss in nats a token."""

    loss: float  # nats a token


class ModelFacts(msgspec.Struct, frozen=True):
    """What a publication needs of a model's `metadata.json`; a model of others may have none."""

    name: str = ""  # NAME-vN, whatever its folder is called
    job: str = ""  # key of the training's job
    dataset_digest: str = ""
    before: Loss | None = None  # of the base
    after: Loss | None = None


def read(folder: Path, dataset_name: str, models: Path) -> Publication:
    """The publication that a folder makes; `dataset_name` is NAME of PREFIX/NAME for datasets, `models` is where
    finished models lie.

    Raises BadInput if it is neither a dataset nor a model, or lacks what makes it one.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: there is no such folder", "check the path")
    if (folder / MODEL_RECORD).is_file():
        folder = models / read_record(folder).name
    if (folder / CONFIG).is_file():
        return _model(folder)
    if side_files(folder, "train"):
        return _dataset(folder, dataset_name)
    raise BadInput(
        f"{folder} holds neither a model ({CONFIG}) nor a dataset (train.jsonl)",
        "name a folder of fine_tuned_models_dir, or of outbox/dataset or outbox/training",
    )


def read_record(folder: Path) -> ModelRecord:
    """Raises BadInput for a `model.json` that is no such record."""
    try:
        return msgspec.json.decode((folder / MODEL_RECORD).read_bytes(), type=ModelRecord)
    except (OSError, msgspec.DecodeError) as error:
        raise BadInput(f"{folder / MODEL_RECORD}: {error}", "train again") from None


def _model(folder: Path) -> Publication:
    facts = _facts(folder)
    called = facts.name or folder.name
    if Path(called).name != called:
        raise BadInput(f"{folder / METADATA}: {called!r} is no model's name", "the folder is damaged; train again")
    name, _, number = called.rpartition("-v")
    versioned = bool(name) and number.isdigit()
    return Publication(
        kind="model",
        name=name if versioned else called,
        version=f"v{number}" if versioned else "",
        sources={ATTRIBUTES: attributes(), **_files(folder)},
        dataset=dataset_tag(facts.dataset_digest) if facts.dataset_digest else None,
        losses=(facts.before.loss, facts.after.loss) if facts.before and facts.after else None,
        job=facts.job,
    )


def _dataset(folder: Path, name: str) -> Publication:
    kept = {path: file for path, file in _files(folder).items() if _published(path)}
    return Publication(
        kind="dataset",
        name=name,
        version=dataset_tag(load_sides(folder, 0.5).digest),
        sources={ATTRIBUTES: attributes(), **kept},
        job=folder.name,
    )


def dataset_tag(digest: str) -> str:
    """The tag of a dataset, by the digest of its rows that a model's metadata names too, whatever its card says."""
    return f"d{digest[:12]}"


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


def _facts(folder: Path) -> ModelFacts:
    file = folder / METADATA
    if not file.is_file():
        return ModelFacts()
    try:
        return msgspec.json.decode(file.read_bytes(), type=ModelFacts)
    except msgspec.DecodeError as error:
        raise BadInput(f"{file}: {error}", "the folder is damaged; train again") from None
