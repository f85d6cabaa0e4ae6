"""What a finished training says of itself; `finish` makes a model folder of it."""

from __future__ import annotations

from pathlib import Path

from handlers.evaluation.record import Evaluation
from handlers.models.base import Base
from handlers.records import Record


class DatasetFacts(Record, frozen=True, kw_only=True):
    """The rows that a model was trained on and checked with."""

    digest: str  # of the rows
    name: str  # as the card shows it
    train: int  # rows
    valid: int  # rows


class Clock(Record, frozen=True, kw_only=True):
    """What may differ between two runs on the same input."""

    started: str  # ISO 8601, UTC
    seconds: float
    peak_memory: int  # bytes


class Trained(Record, frozen=True, kw_only=True):
    """A finished training, before it has a name."""

    job: str  # the job's key: the same key finds the same model again
    base: Base
    adapter: Path  # folder with adapters.safetensors and adapter_config.json
    parameters: dict[str, object]  # every setting of the training as used, plain JSON data
    dataset: DatasetFacts
    before: Evaluation  # of the base
    after: Evaluation  # of base + adapter
    updates: int  # changes of the weights
    clock: Clock
