"""The demo's last words: what went in, what came out, how much better it got, and where it all is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from handlers.dataset.statistics import Statistics, load_statistics
from handlers.models.metadata import Metadata, find_job, read_metadata
from watcher.receipt import Receipt, read_receipt
from watcher.stage import ARTIFACTS
from watcher.workspace import RECEIPT, Workspace


@dataclass(frozen=True, slots=True)
class Model:
    path: Path
    metadata: Metadata


def newest_model(workspace: Workspace, models: Path) -> Model | None:
    """The finished model of the newest training of this workspace."""
    newest = _newest(workspace, "training")
    folder = find_job(models, newest.key) if newest else None
    return Model(folder, read_metadata(folder)) if folder else None


def table(workspace: Workspace, model: Model | None) -> str:
    """Every figure is read from what the stages left."""
    rows = [*_counts(workspace), *(_losses(model.metadata) if model else _no_model()), *_places(workspace, model)]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def _counts(workspace: Workspace) -> Iterator[tuple[str, str]]:
    findings = sum(int(each.counts.get("findings", 0)) for each in _receipts(workspace, "analysis"))
    yield "files", str(len(list(_receipts(workspace, ARTIFACTS))))
    yield "findings", str(findings)
    dataset = _dataset(workspace)
    if dataset:
        sides = ", ".join(f"{side} {figures.rows}" for side, figures in dataset[1].sides.items())
        yield "examples", f"{sum(each.rows for each in dataset[1].sides.values())} ({sides})"


def _losses(metadata: Metadata) -> Iterator[tuple[str, str]]:
    yield (
        "validation loss",
        f"{metadata.before.loss:.4f} before, {metadata.after.loss:.4f} after ({-metadata.gain:+.1%})",
    )
    yield "perplexity", f"{metadata.before.perplexity:.2f} before, {metadata.after.perplexity:.2f} after"


def _no_model() -> Iterator[tuple[str, str]]:
    yield "model", "none was trained; what the training said stands above"


def _places(workspace: Workspace, model: Model | None) -> Iterator[tuple[str, str]]:
    dataset = _dataset(workspace)
    if dataset:
        yield "dataset", str(dataset[0])
    if model:
        yield "model", str(model.path)
    for place in sorted((workspace.root / "publications").glob("[!.]*")):
        yield "publication", str(place)


def _dataset(workspace: Workspace) -> tuple[Path, Statistics] | None:
    newest = _newest(workspace, "dataset")
    folder = workspace.job("dataset", newest.key) if newest else None
    return (folder, load_statistics(folder)) if folder else None


def _newest(workspace: Workspace, stage: str) -> Receipt | None:
    return max(_receipts(workspace, stage), key=lambda each: str(each.clock["started"]), default=None)


def _receipts(workspace: Workspace, stage: str) -> Iterator[Receipt]:
    return (read_receipt(each.parent) for each in (workspace.outbox / stage).glob(f"*/*/{RECEIPT}"))
