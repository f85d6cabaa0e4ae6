"""Who wins: surely better losses, no task surely worse, nothing forgotten that counts."""

from __future__ import annotations

import math

import pytest

from handlers.evaluation.bootstrap import kappa_interval, ratio_interval
from handlers.evaluation.metrics import Metric
from handlers.evaluation.record import Evaluation, Examined, RowLoss, summarise
from handlers.evaluation.verdict import judge, paired_loss
from watcher.errors import BadInput

ROWS = 40


def losses(level: float, spread: float = 0.5) -> Evaluation:
    """Rows of 10 tokens whose losses differ much among them, the same way for every model."""
    each = [level + spread * math.sin(number) for number in range(1, ROWS + 1)]
    return summarise([RowLoss(number=number, loss=10 * loss, tokens=10) for number, loss in enumerate(each, 1)])


def metric(name: str, hits: int, rows: int = 20, *, more_is_better: bool = True) -> Metric:
    values = [1.0] * hits + [0.0] * (rows - hits)
    scores = tuple(enumerate(values, 1))
    return Metric(name=name, rows=rows, figure=ratio_interval(values), more_is_better=more_is_better, scores=scores)


def model(name: str, valid: float, general: float = 2.0, *metrics: Metric) -> Examined:
    return Examined(name=name, valid=losses(valid), general=losses(general), metrics=metrics, answers=())


def test_a_better_model_is_promoted_with_the_figures() -> None:
    verdict = judge(model("base", 2.0), None, model("new", 1.5), 0.1)
    assert verdict.promoted
    assert "better (-0.5000, 95 % interval -0.5000 to -0.5000)" in verdict.reasons[0]


def test_how_hard_rows_are_cancels_out() -> None:
    """The spread among rows is far larger than the difference, which the pairs show all the same."""
    assert paired_loss(losses(1.99), losses(2.0)).high < 0


def test_no_difference_is_no_promotion() -> None:
    verdict = judge(model("base", 2.0), None, model("new", 2.0), 0.1)
    assert not verdict.promoted
    assert "not surely better" in verdict.reasons[0]


def test_a_difference_that_may_be_chance_is_no_promotion() -> None:
    base = summarise([RowLoss(number=number, loss=20.0, tokens=10) for number in range(1, 11)])
    moved = [15.0 if number == 1 else 20.1 for number in range(1, 11)]
    new = summarise([RowLoss(number=number, loss=loss, tokens=10) for number, loss in enumerate(moved, 1)])
    assert new.loss < base.loss
    assert paired_loss(new, base).high > 0


def test_one_row_promotes_nobody() -> None:
    """Its interval has no width, however large the difference."""
    base, new = (
        Examined(
            name=name,
            valid=summarise([RowLoss(number=1, loss=loss, tokens=10)]),
            general=losses(2.0),
            metrics=(),
            answers=(),
        )
        for name, loss in (("base", 60.0), ("new", 10.0))
    )
    verdict = judge(base, None, new, 0.1)
    assert not verdict.promoted
    assert "1 row shows nothing surely" in verdict.reasons[0]


def test_the_champion_has_to_be_beaten_too() -> None:
    verdict = judge(model("base", 2.0), model("old-v1", 1.4), model("new", 1.5), 0.1)
    assert not verdict.promoted
    assert "old-v1" in verdict.reasons[0]
    assert judge(model("base", 2.0), model("old-v1", 1.6), model("new", 1.5), 0.1).promoted


@pytest.mark.parametrize(("before", "after", "promoted"), [(16, 4, False), (16, 15, True), (1, 0, True)])
def test_a_task_that_got_worse_stops_it_if_it_could_be_done_before(before: int, after: int, promoted: bool) -> None:
    verdict = judge(
        model("base", 2.0, 2.0, metric("cwe_exact", before)),
        None,
        model("new", 1.5, 2.0, metric("cwe_exact", after)),
        0.1,
    )
    assert verdict.promoted is promoted


@pytest.mark.parametrize(
    ("base", "champion", "after", "against"),
    [
        (0, 16, 4, "old-v1"),  # the base never could, the model in use can
        (16, 0, 4, "base"),  # the model in use lost it, the base could
        (16, 12, 8, "base"),  # two small steps down are one large one
    ],
)
def test_a_task_that_either_could_do_stops_it(base: int, champion: int, after: int, against: str) -> None:
    verdict = judge(
        model("base", 2.0, 2.0, metric("json_valid", base)),
        model("old-v1", 1.8, 2.0, metric("json_valid", champion)),
        model("new", 1.5, 2.0, metric("json_valid", after)),
        0.1,
    )
    assert not verdict.promoted
    assert against in {check.against for check in verdict.checks if not check.passed}


@pytest.mark.parametrize("name", ["invented_ids", "refusal", "repetition", "leak"])
def test_harm_counts_against_a_model_that_can_do_nothing_too(name: str) -> None:
    verdict = judge(
        model("base", 2.0, 2.0, metric("id_recall", 0), metric(name, 0, more_is_better=False)),
        None,
        model("new", 1.5, 2.0, metric("id_recall", 0), metric(name, 12, more_is_better=False)),
        0.1,
    )
    assert not verdict.promoted
    assert verdict.reasons[0].startswith(name)


@pytest.mark.parametrize(("name", "promoted"), [("invented_ids", False), ("leak", False), ("repetition", True)])
def test_that_words_at_random_repeat_nothing_is_no_merit(name: str, promoted: bool) -> None:
    verdict = judge(
        model("base", 7.0, 6.0, metric(name, 0, more_is_better=False)),
        None,
        model("new", 2.0, 6.5, metric(name, 12, more_is_better=False)),
        0.1,
    )
    assert verdict.promoted is promoted


@pytest.mark.parametrize(("base", "after", "promoted"), [(2.0, 2.05, True), (2.0, 2.3, False), (6.0, 7.0, True)])
def test_forgetting_is_bounded_where_there_is_something_to_forget(base: float, after: float, promoted: bool) -> None:
    assert judge(model("base", 2.0, base), None, model("new", 1.5, after), 0.1).promoted is promoted


def test_what_the_champion_knows_is_not_forgotten_either() -> None:
    verdict = judge(model("base", 2.0, 5.0), model("old-v1", 1.8, 2.0), model("new", 1.5, 2.5), 0.1)
    assert [check.against for check in verdict.checks if not check.passed] == ["old-v1"]


def test_models_without_a_common_row_are_not_compared() -> None:
    other = summarise([RowLoss(number=99, loss=1.0, tokens=1)])
    with pytest.raises(BadInput, match="no row"):
        paired_loss(losses(1.0), other)


@pytest.mark.parametrize(("given", "promoted"), [((0, 1, 2, 3, 4), True), ((4, 3, 2, 1, 0), False)])
def test_severities_that_agree_less_than_before_stop_it(given: tuple[int, ...], promoted: bool) -> None:
    """Ratings that are turned round agree less than chance would."""
    verdict = judge(model("base", 2.0, 2.0, rated((0, 1, 2, 3, 4))), None, model("new", 1.5, 2.0, rated(given)), 0.1)
    assert verdict.promoted is promoted
    assert any("severity_kappa" in check.why for check in verdict.checks)


def rated(given: tuple[int, ...]) -> Metric:
    """Ratings of rows that are wanted to be of each level in turn."""
    ratings = tuple((number, number % 5, given[number % 5]) for number in range(1, ROWS + 1))
    figure = kappa_interval([wanted for _, wanted, _ in ratings], [each for _, _, each in ratings], 5)
    return Metric(name="severity_kappa", rows=ROWS, figure=figure, more_is_better=True, scores=(), ratings=ratings)
