"""The comparison of models for a person: the verdict, the figures with their intervals, answers side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handlers.dataset.rows import Example
from handlers.evaluation.interval import Interval
from handlers.evaluation.record import Evaluation, Examined
from handlers.evaluation.verdict import Verdict, in_words, paired_loss
from handlers.models.metadata import Drift

SAMPLES = 5
LONGEST = 1200  # characters of a shown text


def write_report(
    base: Examined,
    champion: Examined | None,
    challenger: Examined,
    verdict: Verdict,
    fusion: Drift | None,
    asked: Sequence[Example],
) -> str:
    """Markdown; what a model said stands in code blocks, so that none of it is taken for markup."""
    models = [each for each in (base, champion, challenger) if each is not None]
    outcome = "is the champion now" if verdict.promoted else "was not promoted"
    lines = [f"# {challenger.name} {outcome}", "", *(f"- {reason}" for reason in verdict.reasons), ""]
    lines += ["## Figures", "", *_figures(models), "", *_on_test(models), "## Checks", "", *_checks(verdict), ""]
    if fusion is not None:
        lines += [f"Fused, beside the base with its adapter: {fusion}, over {fusion.tokens} tokens.", ""]
    lines += _samples(models, asked)
    return "\n".join(lines) + "\n"


def _figures(models: Sequence[Examined]) -> Iterator[str]:
    """A table with a column a model; intervals hold 95 %."""
    yield "| | " + " | ".join(each.name for each in models) + " |"
    yield "|---|" + "--:|" * len(models)
    yield _line("validation loss, nats a token", [_loss(each.valid) for each in models])
    yield _line("perplexity", [f"{each.valid.perplexity:.2f}" for each in models])
    if any(each.test for each in models):
        tests = [each.test for each in models]
        yield _line("test loss, nats a token", [_loss(each) if each else "—" for each in tests])
        yield _line("perplexity on test", [f"{each.perplexity:.2f}" if each else "—" for each in tests])
    yield _line("loss on the general set", [_loss(each.general) for each in models])
    for name in dict.fromkeys(metric.name for each in models for metric in each.metrics):
        found = [each.metric(name) for each in models]
        arrow = "more is better" if any(each and each.more_is_better for each in found) else "less is better"
        cells = [f"{_short(each.figure)}, {each.rows} rows" if each else "—" for each in found]
        yield _line(f"{name} ({arrow})", cells)


def _on_test(models: Sequence[Examined]) -> Iterator[str]:
    """How far the challenger is from the others on the frozen side, where there is one: told, not judged."""
    *others, challenger = models
    for other in others:
        if challenger.test and other.test:
            difference = paired_loss(challenger.test, other.test)
            yield f"On the frozen test side {challenger.name} differs from {other.name} by {in_words(difference)}."
            yield ""


def _line(name: str, cells: Sequence[str]) -> str:
    return f"| {name} | " + " | ".join(cells) + " |"


def _loss(evaluation: Evaluation) -> str:
    return f"{evaluation.loss:.4f} ({evaluation.interval.low:.4f} to {evaluation.interval.high:.4f})"


def _short(interval: Interval) -> str:
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def _checks(verdict: Verdict) -> Iterator[str]:
    yield from (f"- {'passed' if each.passed else '**failed**'}: {each.why}" for each in verdict.checks)


def _samples(models: Sequence[Examined], asked: Sequence[Example]) -> Iterator[str]:
    shown = list(enumerate(asked))[:SAMPLES]
    if not shown or not models[0].answers:
        return
    yield "## Answers side by side"
    for number, row in shown:
        yield from ("", f"### Question {number + 1}", "", *_block(row.prompt), "", "Expected:", "", *_block(row.answer))
        for model in models:
            yield from ("", f"{model.name}:", "", *_block(model.answers[number]))


def _block(text: str) -> Iterator[str]:
    """An indented code block, which nothing inside can end."""
    cut = text if len(text) <= LONGEST else text[:LONGEST] + " …"
    yield from (f"    {line}" for line in cut.splitlines() or [""])
