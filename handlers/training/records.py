"""What a training is told and what it says: the records of `training.json`, all the same on every run."""

from __future__ import annotations

from typing import Literal

from handlers.records import Record

Method = Literal["lora", "dora", "full"]


class Schedule(Record, frozen=True, kw_only=True):
    """When what happens, counted in updates of the weights."""

    learning_rate: float  # the highest
    updates: int  # of the whole training
    per_epoch: int
    warmup: int
    eval_every: int  # and after the last update
    save_every: int  # and after each evaluation


class Parameters(Record, frozen=True, kw_only=True):
    """Everything that the result depends on besides base and rows, as it was used."""

    method: Method
    rank: int
    alpha: float
    dropout: float
    layers: int  # how many of the last layers are trained
    modules: tuple[str, ...]  # of a layer, by path
    batch_size: int
    accumulation: int
    epochs: int
    schedule: Schedule
    max_seq_length: int
    packing: bool
    clip_norm: float
    patience: int
    seed: int
    gradient_checkpointing: bool
    dtype: str  # in which the base computes
    replay_share: float = 1.0  # of the rows that the champion knew, where training went on from it
    examination: Examination | None = None  # None: of a model that was made before it was kept


class Examination(Record, frozen=True, kw_only=True):
    """What decided whether the model was taken into use, beside rows and rivals (`fine_tuning.evaluation`)."""

    answered_rows: int
    answer_tokens: int
    max_forgetting: float


class DatasetFacts(Record, frozen=True, kw_only=True):
    """The rows that were used. Tokens are of the base's tokenizer."""

    digest: str  # SHA-256 over the train and the valid rows
    train: int  # rows
    valid: int
    train_tokens: int
    train_completion_tokens: int
    valid_completion_tokens: int
    valid_share: float | None = None  # of rows that came without a valid side, drawn; None: it had its own
    test: int = 0  # rows of the frozen side, if there is one
    test_digest: str | None = None  # over these rows, fit or not; None without any
    cut: int = 0  # rows whose answer was cut at the window's end
    left_out: int = 0  # rows whose prompt alone fills the window
    generation: int = 0  # the deepest of the rows, and of those that the start was trained on


class Point(Record, frozen=True, kw_only=True):
    update: int  # updates done, 0 is the base
    loss: float  # nats a completion token


class Trained(Record, frozen=True, kw_only=True):
    """One training. Dates, durations and memory are in the receipt and the model's metadata, never here."""

    key: str  # of the job
    base: str
    base_revision: str
    embedded: bool  # the base is the tiny one for trying
    started_from: str | None = None  # digest of the champion's files, if training went on from it
    dataset: DatasetFacts
    parameters: Parameters
    updates: int  # done; fewer than planned after an early stop
    best_update: int  # whose weights are the result
    completion_tokens: int  # trained on, rows counted each time
    trainable: int  # parameters
    train_losses: tuple[Point, ...]
    valid_losses: tuple[Point, ...]
    mlx: str
    mlx_lm: str
