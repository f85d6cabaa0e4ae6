"""Going on from the champion: its adapter is where training starts, and of the rows it knows some are trained again.

A dataset holds all rows so far, so the older ones are at hand; which of them are replayed is decided by their digests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Settings
from handlers.dataset.rows import Example, text_key
from handlers.models.champion import champion
from handlers.models.metadata import read_metadata
from handlers.training.rows import Sides
from watcher.errors import BadInput, Unavailable
from watcher.workspace import Workspace

ROWS = "rows.txt"
"""In a training's job folder: the keys of the rows it was trained on, its start's rows included, one a line."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a training begins, if not at the base."""

    weights: str  # digest of the champion's files
    adapter: Path  # adapters.safetensors
    seen: frozenset[str]  # keys of the rows it was trained on; empty if that is not known
    generation: int = 0  # the deepest of those rows


def start_of(settings: Settings, root: Path, base_revision: str) -> Start | None:
    """The champion to go on from, if that is wanted and it was made of the same base."""
    if settings.fine_tuning.training.start != "champion":
        return None
    found = champion(root)
    if found is None or found.base_revision != base_revision:
        return None
    folder = Path(found.path)
    known = read_metadata(folder)
    seen = _rows(Workspace(root).job("training", known.job) / ROWS)
    return Start(found.weights, folder / "adapters" / "adapters.safetensors", seen, known.dataset.generation)


def _rows(file: Path) -> frozenset[str]:
    try:
        return frozenset(file.read_text(encoding="ascii").split())
    except FileNotFoundError:  # trained elsewhere, or the job is gone
        return frozenset()


def replayed(sides: Sides, start: Start, share: float, seed: int) -> Sides:
    """The sides with all new train rows and about `share` of those that the start knows; never an empty train side."""
    kept = tuple(each for each in sides.train if _again(text_key(each), start.seen, share, seed))
    if not kept:
        raise BadInput("the champion was trained on all these rows already", "raise fine_tuning.training.replay_share")
    return msgspec.structs.replace(sides, train=kept)


def _again(key: str, seen: Iterable[str], share: float, seed: int) -> bool:
    drawn = int.from_bytes(hashlib.sha256(f"replay {seed} {key}".encode()).digest()[:7], "big") / 2**56
    return key not in seen or drawn < share


def write_rows(file: Path, rows: Sequence[Example], start: Start | None) -> None:
    keys = {text_key(each) for each in rows} | (start.seen if start else frozenset())
    file.write_text("".join(f"{key}\n" for key in sorted(keys)), encoding="ascii")


def load_start(model: Any, start: Start) -> None:
    """Puts the champion's adapter into a trainable model. Raises Unavailable if it is damaged or has another shape."""
    import mlx.core as mx

    from handlers.training.adapters import trainable

    try:
        weights = mx.load(str(start.adapter))
    except RuntimeError as error:
        raise Unavailable(
            f"the champion's adapter can't be read: {error}",
            "bring it back, make another one the champion, or set fine_tuning.training.start: base",
        ) from error
    assert isinstance(weights, dict)  # mlx returns other things for other formats
    wanted = {name: each.shape for name, each in trainable(model).items()}
    if {name: each.shape for name, each in weights.items()} != wanted:
        raise Unavailable(
            "the champion's adapter has other layers, modules or ranks than the settings say",
            "set fine_tuning.training.start: base, or the method, layers, modules and rank that it was trained with",
        )
    model.load_weights(list(weights.items()), strict=False)
