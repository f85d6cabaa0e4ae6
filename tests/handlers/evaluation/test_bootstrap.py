"""Intervals: the figure itself, the right width, nothing drawn from anybody else's generator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.evaluation import bootstrap
from handlers.evaluation.bootstrap import kappa_interval, ratio_interval


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=30))
def test_the_interval_holds_the_mean(values: list[float]) -> None:
    interval = ratio_interval(values)
    assert interval.value == pytest.approx(np.mean(values), abs=1e-9)
    assert interval.low - 1e-9 <= interval.value <= interval.high + 1e-9


def test_the_width_is_that_of_the_normal_approximation() -> None:
    values = np.random.default_rng(5).normal(3.0, 2.0, 400).tolist()
    interval = ratio_interval(values)
    half = 1.96 * np.std(values) / 20
    assert interval.low == pytest.approx(interval.value - half, abs=0.05)
    assert interval.high == pytest.approx(interval.value + half, abs=0.05)


def test_a_ratio_weighs_rows_by_their_tokens() -> None:
    assert ratio_interval([10.0, 1.0], [100.0, 1.0]).value == pytest.approx(11 / 101)


def test_one_row_says_nothing_about_others() -> None:
    interval = ratio_interval([2.0])
    assert (interval.low, interval.value, interval.high) == (2.0, 2.0, 2.0)


def test_the_same_rows_give_the_same_interval_and_leave_the_global_generator_alone() -> None:
    np.random.seed(1)
    first = np.random.rand()
    np.random.seed(1)
    assert ratio_interval([1.0, 2.0, 4.0]) == ratio_interval([1.0, 2.0, 4.0])
    assert np.random.rand() == first


def test_how_many_rows_are_drawn_at_once_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(7).normal(3.0, 2.0, 501).tolist()
    whole = ratio_interval(values), kappa_interval([0, 1, 2, 3], [0, 2, 2, 4], 5)
    monkeypatch.setattr(bootstrap, "DRAWN", 1503)
    assert (ratio_interval(values), kappa_interval([0, 1, 2, 3], [0, 2, 2, 4], 5)) == whole


@pytest.mark.parametrize(
    ("wanted", "given_", "kappa"),
    [
        ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4], 1.0),
        ([0, 4], [4, 0], -1.0),
        ([0, 0, 4, 4], [0, 4, 0, 4], 0.0),
        ([2, 2], [2, 2], 1.0),
        # worked by hand: observed disagreement 2, expected (1 + 9 + 1 + 1 + 0 + 4 + 4 + 0 + 0 …) from the margins
        ([0, 1, 2], [1, 1, 3], 1 - 2 / (((1 + 1 + 9) + (0 + 0 + 4) + (1 + 1 + 1)) / 3)),
    ],
)
def test_kappa_with_quadratic_weights(wanted: list[int], given_: list[int], kappa: float) -> None:
    assert kappa_interval(wanted, given_, 5).value == pytest.approx(kappa)
