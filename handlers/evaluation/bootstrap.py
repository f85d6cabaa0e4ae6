"""How sure a figure is: percentile intervals of the bootstrap, drawn by a generator of its own.

Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13. Rows are drawn with replacement; a paired
comparison draws the same rows for both models, so that how hard a row is cancels out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from handlers.evaluation.interval import Interval

TIMES = 2000
SHARE = 0.95
SEED = 1993
DRAWN = 1_000_000
"""How many rows are drawn at once. It bounds memory, which a training needs itself, and changes no figure."""

Floats = npt.NDArray[np.float64]
Statistic = Callable[[npt.NDArray[np.int64]], Floats]
"""Of rows drawn: (rows,), or (times, rows) for as many figures."""


def ratio_interval(numerators: Sequence[float], denominators: Sequence[float] | None = None) -> Interval:
    """Of sum(numerators) / sum(denominators), one pair a row, at least one; without denominators, of the mean."""
    above = np.asarray(numerators, np.float64)
    below = np.ones_like(above) if denominators is None else np.asarray(denominators, np.float64)
    return _interval(lambda drawn: above[drawn].sum(-1) / below[drawn].sum(-1), len(above))


def kappa_interval(wanted: Sequence[int], given: Sequence[int], levels: int) -> Interval:
    """Of Cohen's kappa with quadratic weights (1968) between two ratings of the same rows, each 0 … levels - 1."""
    return _interval(_kappas(wanted, given, levels), len(wanted))


def kappa_difference(wanted: Sequence[int], new: Sequence[int], old: Sequence[int], levels: int) -> Interval:
    """Of the kappa of `new` minus that of `old`, two ratings of the same rows, each against `wanted`."""
    after, before = (_kappas(wanted, given, levels) for given in (new, old))
    return _interval(lambda drawn: after(drawn) - before(drawn), len(wanted))


def _kappas(wanted: Sequence[int], given: Sequence[int], levels: int) -> Statistic:
    pairs = np.asarray(wanted) * levels + np.asarray(given)
    at = np.arange(levels)
    weights = ((at[:, None] - at[None]) ** 2).astype(np.float64)
    return lambda drawn: np.array([_kappa(pairs[each], weights, levels) for each in np.atleast_2d(drawn)])


def _kappa(pairs: npt.NDArray[np.int64], weights: Floats, levels: int) -> float:
    """1 minus observed over expected disagreement; where neither rating varies and they agree, 1."""
    table = np.bincount(pairs, minlength=levels * levels).reshape(levels, levels)
    expected = np.outer(table.sum(1), table.sum(0)) / len(pairs)
    chance = float((weights * expected).sum())
    return 1.0 - float((weights * table).sum()) / chance if chance else 1.0


def _interval(statistic: Statistic, rows: int) -> Interval:
    generator, together = np.random.default_rng(SEED), max(1, DRAWN // rows)
    draws = (generator.integers(0, rows, (min(together, TIMES - begin), rows)) for begin in range(0, TIMES, together))
    low, high = np.quantile(np.concatenate([statistic(each) for each in draws]), [(1 - SHARE) / 2, (1 + SHARE) / 2])
    value = float(np.ravel(statistic(np.arange(rows)))[0])
    return Interval(value=value, low=float(low), high=float(high))
