"""The comparison of models as a picture. Imports matplotlib: never in the engine's process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from handlers.evaluation.interval import Interval
from handlers.evaluation.record import Examined

BAR = 0.8  # of the room that a metric has
INCHES = 0.9  # of width a metric


def draw_metrics(models: Sequence[Examined], file: Path) -> None:
    """Bars of validation loss at the left, task metrics at the right, with their 95 % intervals; a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(metric.name for each in models for metric in each.metrics))
    figure = Figure(figsize=(5 + INCHES * len(names), 4), layout="constrained")
    FigureCanvasAgg(figure)
    losses, metrics = figure.subplots(1, 2, width_ratios=(3, 1 + len(names)))
    for number, model in enumerate(models):
        losses.bar(model.name, model.valid.loss, yerr=_errors([model.valid.interval]), capsize=2, color=f"C{number}")
    losses.set_title("validation loss")
    losses.set_ylabel("nats a token")
    losses.tick_params(axis="x", rotation=20)
    for number, model in enumerate(models):
        found = [(at, metric.figure) for at, name in enumerate(names) if (metric := model.metric(name))]
        if not found:
            continue
        places = [at + BAR * (number / len(models) - 0.5) for at, _ in found]
        values = [each.value for _, each in found]
        width, errors = BAR / len(models), _errors([each for _, each in found])
        colour = f"C{number}"  # the same as on the left, whoever was not asked
        metrics.bar(places, values, width, yerr=errors, capsize=2, align="edge", label=model.name, color=colour)
    metrics.set_xticks(range(len(names)), names, rotation=20, ha="right")
    metrics.set_title("answers" if names else "no answers were asked for")
    lowest = min((metric.figure.low for each in models for metric in each.metrics), default=0.0)
    metrics.set_ylim(min(0.0, lowest), 1.05)  # shares, and a kappa that may be negative: the same scale each time
    if names:
        metrics.legend()
    figure.savefig(file, metadata={"Software": None})


def _errors(figures: Sequence[Interval]) -> tuple[list[float], list[float]]:
    """How far each interval reaches below and above its figure."""
    below = [max(0.0, each.value - each.low) for each in figures]
    return below, [max(0.0, each.high - each.value) for each in figures]
