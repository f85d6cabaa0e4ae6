"""Finished models: what `metadata.json` says, and which names are taken. No mlx here: lists and pointers only read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from handlers.evaluation.interval import Interval
from handlers.records import Record
from handlers.training.records import DatasetFacts, Parameters
from watcher.errors import BadInput
from watcher.files import write_durable

METADATA = "metadata.json"
COUNTERS = ".scantune-names.json"
"""In the folder of finished models: the highest version that each name ever had, so that none is used twice."""


class Losses(Record, frozen=True, kw_only=True):
    """Over all completion tokens of the rows of a side."""

    loss: float  # nats a token
    perplexity: float
    interval: Interval | None = None  # of the loss; models that were made before it was kept have none


class Tested(Record, frozen=True, kw_only=True):
    """On the dataset's frozen side, which decided nothing."""

    before: Losses  # of the base
    after: Losses  # of this model, as base and adapter
    rows: int
    tokens: int  # completion tokens


class Clock(Record, frozen=True, kw_only=True):
    """What may differ between two trainings on the same input."""

    started: str  # UTC, ISO 8601; of the last attempt
    finished: str
    seconds: float  # of training, over all attempts
    peak_memory: int  # bytes, by MLX's count


class Versions(Record, frozen=True, kw_only=True):
    scantune: str
    mlx: str
    mlx_lm: str

    def __str__(self) -> str:
        return f"scantune {self.scantune}, mlx {self.mlx}, mlx-lm {self.mlx_lm}"


class Drift(Record, frozen=True, kw_only=True):
    """What a model in another form (fused, in fewer bits) predicts, beside what it was made of."""

    largest: float  # difference of two logits
    divergence: float  # Kullback-Leibler, of the one's predictions from the other's, nats a token
    tokens: int  # over which

    def __str__(self) -> str:
        return f"logits differ by up to {self.largest:.2g}, KL divergence {self.divergence:.2g} nats a token"


class Export(Record, frozen=True, kw_only=True):
    """A finished model in another form."""

    of: str  # name of the finished model
    form: str  # q4, q8, peft, gguf
    loss: float | None = None  # of a quantised copy, on the rows it was measured on; nats a token
    whole: float | None = None  # the finished model's loss on the same rows
    drift: Drift | None = None  # from the finished model


class Metadata(Record, frozen=True, kw_only=True):
    """`metadata.json` of a finished model: enough to say what it is and to train it again."""

    name: str
    job: str  # key of the training's job
    base_model: str  # on the Hub if it is known to come from there, else the folder's name
    base_model_commit: str | None  # on the Hub
    base_folder: str  # name of the base's folder
    base_revision: str  # digest of the base's content
    embedded: bool  # trained on the tiny model, for trying and testing only
    started_from: str | None = None  # `weights` of the champion that training went on from; None: the base
    dataset_name: str
    dataset_digest: str
    dataset: DatasetFacts
    parameters: Parameters
    updates: int  # of the weights
    best_update: int
    trainable_parameters: int
    before: Losses  # of the base, on the validation rows
    after: Losses  # of this model, as base and adapter
    valid_tokens: int  # completion tokens that the losses are over
    test: Tested | None = None  # where the dataset has a frozen side
    weights: str  # digest of the fused model's files
    versions: Versions
    clock: Clock
    export: Export | None = None  # of a copy in another form; all else is the finished model's, but name and weights

    @property
    def gain(self) -> float:
        """By which share the loss fell; negative if it rose."""
        return 1 - self.after.loss / self.before.loss


def generation_of(folder: Path) -> int:
    """The generation of what the finished model in `folder` writes: one more than the deepest it was trained on."""
    return 1 + (read_metadata(folder).dataset.generation if (folder / METADATA).is_file() else 0)


def write_metadata(folder: Path, metadata: Metadata) -> None:
    text = msgspec.json.format(msgspec.json.encode(metadata, order="deterministic"), indent=2)
    (folder / METADATA).write_bytes(text + b"\n")


def read_metadata(folder: Path) -> Metadata:
    """Raises BadInput if `folder` has no `metadata.json` of ours."""
    file = folder / METADATA
    try:
        return msgspec.json.decode(file.read_bytes(), type=Metadata)
    except (OSError, msgspec.DecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise BadInput(f"{file}: {why}", "name a model that `scantune models list` shows") from None


def read_finished(folder: Path) -> Metadata:
    """The same, but raises BadInput for an export too."""
    metadata = read_metadata(folder)
    if metadata.export is not None:
        reason = f"{folder.name} is {metadata.export.of} as {metadata.export.form}, made to be used elsewhere"
        raise BadInput(reason, f"name {metadata.export.of} itself")
    return metadata


def finished(models: Path) -> Iterator[tuple[Path, Metadata]]:
    """The finished models of a folder in the order of their names; exports and folders of others are passed over."""
    for file in sorted(models.glob(f"[!.]*/{METADATA}")):
        try:
            yield file.parent, read_finished(file.parent)
        except BadInput:
            continue  # `models list` shows these too, through `folders`


def find_job(models: Path, job: str) -> Path | None:
    """The model that this job finished before it was killed, if it came so far."""
    return next((folder for folder, metadata in finished(models) if metadata.job == job), None)


def check_free(models: Path, name: str, job: str) -> None:
    """Raises BadInput if a name given by hand is taken by the model of another job."""
    if (models / name).exists() and find_job(models, job) != models / name:
        raise BadInput(
            f"{models / name} is there already", "choose another --output-name; models are never overwritten"
        )


def next_name(models: Path, name: str) -> str:
    """NAME-v1, NAME-v2, …: one more than the highest ever given. The caller holds the folder's lock."""
    highest = max([_counters(models).get(name, 0), *_versions(models, name)])
    return f"{name}-v{highest + 1}"


def keep_name(models: Path, name: str) -> None:
    """Remembers that NAME-vN was given, so that it is not given again once its folder is gone."""
    stem, _, number = name.rpartition("-v")
    counters = {**_counters(models), stem: int(number)}
    write_durable(models / COUNTERS, msgspec.json.encode(counters, order="sorted"))


def _versions(models: Path, name: str) -> Iterator[int]:
    for folder in models.glob(f"{name}-v*"):
        number = folder.name.removeprefix(f"{name}-v")
        if number.isdecimal():
            yield int(number)


def _counters(models: Path) -> dict[str, int]:
    file = models / COUNTERS
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, int])
    except FileNotFoundError:
        return {}
    except msgspec.DecodeError as error:
        raise BadInput(f"{file}: {error}", "remove it: versions then go on from the folders that are there") from None
