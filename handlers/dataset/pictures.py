"""The dataset's figures as pictures, the same bytes for the same figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from handlers.dataset.statistics import LENGTH_BIN, Statistics
from handlers.records import SEVERITIES

LABELS = 44
"""Characters that fit below a picture in one line."""


def draw_pictures(folder: Path, figures: Statistics) -> None:
    """Writes lengths.png, classes.png and severities.png."""
    steps = {int(start): count for start, count in figures.tokens.histogram.items()}
    lengths = {str(start): steps.get(start, 0) for start in range(0, max(steps, default=0) + 1, LENGTH_BIN)}
    severities: dict[str, int] = {name: figures.severities[name] for name in SEVERITIES if name in figures.severities}
    classes = dict(sorted(figures.classes.items(), key=lambda pair: -pair[1]))
    _draw(folder / "lengths.png", f"tokens, in steps of {LENGTH_BIN}", lengths)
    _draw(folder / "classes.png", "class of problem", classes)
    _draw(folder / "severities.png", "severity", severities)


def _draw(file: Path, label: str, counts: Mapping[str, int]) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.bar(list(counts), list(counts.values()), color="#4878a8")
    axes.set(xlabel=label, ylabel="rows")
    if sum(map(len, counts)) > LABELS:
        axes.set_xticks(range(len(counts)), list(counts), rotation=35, ha="right", rotation_mode="anchor")
    axes.set_axisbelow(True)
    axes.grid(axis="y", alpha=0.3)
    figure.savefig(file, format="png", metadata={"Software": None})
