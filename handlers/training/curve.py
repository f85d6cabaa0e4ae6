"""The loss curve as a picture, the same bytes for the same losses."""

from __future__ import annotations

from pathlib import Path

from handlers.training.records import Trained


def draw_losses(trained: Trained, file: Path) -> None:
    """Writes a PNG of train and validation losses over updates."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for losses, style, label in (
        (trained.train_losses, {"linewidth": 1, "alpha": 0.6}, "train, each update"),
        (trained.valid_losses, {"linewidth": 2, "marker": "o"}, "validation, all rows"),
    ):
        axes.plot([point.update for point in losses], [point.loss for point in losses], label=label, **style)
    axes.axvline(trained.best_update, color="grey", linewidth=1, linestyle=":", label="kept")
    axes.set(xlabel="updates", ylabel="loss (nats a completion token)", title=f"Training of {trained.base}")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(file, format="png", metadata={"Software": None})
