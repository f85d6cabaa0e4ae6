"""Whether a challenger replaces the model in use. Figures only: no mlx, no files.

It must predict the validation rows better, surely; be worse, surely, at no task that the other can do, and do no harm
(invent ids, refuse, leak; repeat itself more than one that is fluent) surely more often, whatever the other can do; and
forget no more than allowed.
"Surely" means that the 95 % interval of the paired difference lies on one side of zero. The other is the base, and the
champion that would be replaced: beside the champion alone, many small losses would add up unseen.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.evaluation.bootstrap import kappa_difference, ratio_interval
from handlers.evaluation.interval import Interval
from handlers.evaluation.metrics import BAD, LEVELS, REPETITION, Metric
from handlers.evaluation.record import Compared, Evaluation, Examined
from handlers.records import Record
from watcher.errors import BadInput

FLOOR = 0.1
"""A task that a model does in fewer cases than this it can't do; it has nothing to lose there. Models that know nothing
of the tasks have 0 in all of them, but for a lucky row of a few (`benchmarks/RESULTS.md`, Thresholds)."""
FLUENT = 4.0
"""Nats a token: a model with a higher loss on the general set knows nothing that it could forget, and that it repeats
nothing is no merit: words at random never do. Random weights of a small vocabulary have 7.6 there, a million parameters
trained on English for minutes 5.5, the embedded tiny base 6.0; a guess among the 100,352 tokens of OLMo-2 has 11.5. No
model that people use has been measured yet."""

FEWEST = 2
"""Rows below which an interval has no width, and so says nothing."""


class Check(Record, frozen=True, kw_only=True):
    """One comparison of the challenger with another model."""

    what: str
    against: str  # the other model's name
    difference: Interval  # the challenger's figure minus the other's
    passed: bool
    why: str


class Verdict(Record, frozen=True, kw_only=True):
    promoted: bool
    reasons: tuple[str, ...]  # what was decisive, for a person
    checks: tuple[Check, ...]


def judge(base: Examined, rival: Examined | None, challenger: Examined, allowed: float) -> Verdict:
    """`rival` is the champion, if there is one beside the base; `allowed` nats a token may be forgotten."""
    others = [base] if rival is None else [base, rival]
    better = [_better(each, challenger) for each in others]
    tasks = [check for each in others for check in _tasks(each, challenger)]
    checks = [*better, *tasks, *(_remembers(each, challenger, allowed) for each in others)]
    failed = [each for each in checks if not each.passed]
    return Verdict(
        promoted=not failed,
        reasons=tuple(each.why for each in failed or better),
        checks=tuple(checks),
    )


def paired_loss(new: Evaluation, old: Evaluation) -> Interval:
    """Nats a token by which `new` differs from `old` on the same rows; less than 0 is better.

    A row's nats are comparable whatever the tokenizers: its text is the same. Raises BadInput without common rows.
    """
    before = {row.number: row for row in old.each}
    pairs = [(row, before[row.number]) for row in new.each if row.number in before]
    if not pairs:
        raise BadInput("the two models share no row that fits both windows", "raise max_seq_length")
    return ratio_interval([row.loss - other.loss for row, other in pairs], [float(row.tokens) for row, _ in pairs])


def compare(base: Evaluation, tuned: Evaluation) -> Compared:
    """Two evaluations on the same rows, with how far they are apart. Raises BadInput without common rows."""
    return Compared(base=base, tuned=tuned, difference=paired_loss(tuned, base))


def _better(other: Examined, challenger: Examined) -> Check:
    difference = paired_loss(challenger.valid, other.valid)
    rows = len(challenger.valid.each)
    passed = difference.high < 0 and rows >= FEWEST
    alone = f"; {rows} row shows nothing surely" if rows < FEWEST else ""
    told = f"validation loss {challenger.valid.loss:.4f}, {other.name} has {other.valid.loss:.4f}"
    return Check(
        what="validation loss",
        against=other.name,
        difference=difference,
        passed=passed,
        why=f"{told}: {'better' if passed else 'not surely better'} ({in_words(difference)}{alone})",
    )


def _tasks(other: Examined, challenger: Examined) -> Iterator[Check]:
    for metric in other.metrics:
        new = challenger.metric(metric.name)
        difference = paired_metric(new, metric) if new and _counts(metric, other) else None
        if new is None or difference is None:
            continue
        worse = difference.high < 0 if metric.more_is_better else difference.low > 0
        yield Check(
            what=metric.name,
            against=other.name,
            difference=difference,
            passed=not worse,
            why=f"{metric.name} {new.figure.value:.3f}, {other.name} has {metric.figure.value:.3f}: "
            f"{'worse' if worse else 'not worse'} ({in_words(difference)})",
        )


def _counts(metric: Metric, of: Examined) -> bool:
    """Whether a model's figure is one to be measured by."""
    if metric.name == REPETITION:
        return of.general.loss < FLUENT
    return metric.name in BAD or metric.figure.value > FLOOR


def paired_metric(new: Metric, old: Metric) -> Interval | None:
    """The figure of `new` minus that of `old` over the rows that both have; None if there are none."""
    if new.ratings and old.ratings:
        rated = {number: given for number, _, given in old.ratings}
        both = [(wanted, given, rated[number]) for number, wanted, given in new.ratings if number in rated]
        if not both:
            return None
        wanted, given, was = zip(*both, strict=True)
        return kappa_difference(wanted, given, was, len(LEVELS))
    before = dict(old.scores)
    common = [value - before[number] for number, value in new.scores if number in before]
    return ratio_interval(common) if common else None


def _remembers(base: Examined, challenger: Examined, allowed: float) -> Check:
    difference = paired_loss(challenger.general, base.general)
    forgot = base.general.loss < FLUENT and difference.low > allowed
    return Check(
        what="general loss",
        against=base.name,
        difference=difference,
        passed=not forgot,
        why=f"loss on the general set {challenger.general.loss:.4f}, {base.name} has {base.general.loss:.4f}: "
        f"{'forgotten too much' if forgot else 'nothing that counts is forgotten'} ({in_words(difference)})",
    )


def in_words(interval: Interval) -> str:
    """A difference and how sure it is."""
    return f"{interval.value:+.4f}, 95 % interval {interval.low:+.4f} to {interval.high:+.4f}"
