"""What an evaluation says. No mlx here: whoever compares models only reads."""

from __future__ import annotations

import math
from collections.abc import Sequence

from handlers.evaluation.interval import Interval
from handlers.evaluation.metrics import Metric
from handlers.records import Record


class RowLoss(Record, frozen=True, kw_only=True):
    """How well one row's completion was predicted."""

    number: int  # of the row, 1-based, in its file
    loss: float  # nats, summed over the row's completion tokens
    tokens: int  # completion tokens


class Evaluation(Record, frozen=True, kw_only=True):
    """How well a model predicts the completions of a set of rows."""

    loss: float  # mean over completion tokens, nats
    interval: Interval  # of the loss
    perplexity: float  # e to the loss
    tokens: int  # completion tokens that were predicted
    rows: int
    left_out: int  # rows whose prompt alone fills the window
    each: tuple[RowLoss, ...]  # in the order of the file


def summarise(each: Sequence[RowLoss], left_out: int = 0) -> Evaluation:
    """The evaluation over `each`, at least one row."""
    from handlers.evaluation.bootstrap import ratio_interval

    ordered = tuple(sorted(each, key=lambda row: row.number))
    interval = ratio_interval([row.loss for row in ordered], [float(row.tokens) for row in ordered])
    return Evaluation(
        loss=interval.value,
        interval=interval,
        perplexity=math.exp(min(interval.value, 700.0)),  # JSON has no infinity
        tokens=sum(row.tokens for row in each),
        rows=len(each),
        left_out=left_out,
        each=ordered,
    )


class Compared(Record, frozen=True, kw_only=True):
    """The same rows before and after a training."""

    base: Evaluation
    tuned: Evaluation
    difference: Interval  # of the losses, the tuned one's minus the base's: paired, so that hard rows cancel out


class Evaluations(Compared, frozen=True, kw_only=True):
    """`evaluation.json`: what a training made of its base, on all rows that it was not trained on."""

    test: Compared | None  # the frozen side, which decided nothing; None where the dataset has none


class Examined(Record, frozen=True, kw_only=True):
    """All that a comparison of models needs of one of them."""

    name: str
    valid: Evaluation
    test: Evaluation | None = None  # where the dataset has a frozen side
    general: Evaluation
    metrics: tuple[Metric, ...]  # empty if nothing was to be generated
    answers: tuple[str, ...]  # to the rows that were asked

    def metric(self, name: str) -> Metric | None:
        return next((each for each in self.metrics if each.name == name), None)
