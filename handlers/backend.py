"""Who writes analyses and narratives: the rules, or a model that is on this machine. Imports no MLX."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from config.settings import Settings
from handlers.models.base import find_base
from handlers.models.champion import champion
from handlers.models.need import need_mlx
from handlers.records import Origin, Record
from watcher.errors import JobError, Unavailable
from watcher.stage import Attempt

CUDA_DEVICE = Path("/dev/nvidiactl")


class Backend(Record, frozen=True, kw_only=True):
    """A model to write with."""

    folder: Path
    revision: str  # digest of its content
    tuned: bool  # trained on narratives: it knows the questions, and needs no explanation of them
    generation: int = 1  # of what it writes; a base stands in for a model that was trained on generation 0

    @property
    def origin(self) -> Origin:
        return Origin(kind="model", version=self.revision, generation=self.generation)


def accelerated() -> bool:
    """Whether MLX would run on Metal or CUDA here; on a plain CPU writing takes minutes where rules take a second."""
    if sys.platform == "darwin":
        return True
    return CUDA_DEVICE.exists() and any(map(_installed, ("mlx-cuda", "mlx-cuda-12", "mlx-cuda-13")))


def may_load_model(settings: Settings) -> bool:
    """Whether writing may load a model here, so that it wants a process of its own and the accelerator's lock."""
    asked = settings.analysis.backend
    return asked == "mlx" or (asked == "auto" and accelerated())


def choose_backend(settings: Settings, root: Path) -> Backend | None:
    """The model that the settings ask for, or None for the rules.

    `mlx` asks for the champion, else the base model; `auto` for the same if the device is fast and one is there.
    Raises Unavailable for `mlx` if neither is there, or MLX is not.
    """
    if not may_load_model(settings):
        return None
    try:
        need_mlx()
        return _champion(root) or _base(settings, root)
    except Unavailable:
        if settings.analysis.backend == "mlx":
            raise
        return None


def unless_stopping(attempt: Attempt) -> Callable[[], None]:
    """To be called now and then in long work: raises Unavailable once the process was asked to end."""

    def go_on() -> None:
        if attempt.stopping():
            raise Unavailable("asked to stop while the model was writing", "it starts again by itself")

    return go_on


def writer_key(settings: Settings, root: Path) -> str:
    """What of the choice belongs into a job's key."""
    try:
        chosen = choose_backend(settings, root)
    except JobError as error:
        return f"none: {error.reason}"
    return f"model {chosen.revision}" if chosen else "rules"


def _champion(root: Path) -> Backend | None:
    found = champion(root)
    folder = Path(found.path) if found else None
    if found is None or folder is None or not folder.is_dir():
        return None
    from handlers.models.metadata import generation_of  # brings what no writer by rules needs

    return Backend(folder=folder, revision=found.weights, tuned=True, generation=generation_of(folder))


def _base(settings: Settings, root: Path) -> Backend:
    base = find_base(settings.default_base_model, settings, root)
    return Backend(folder=base.path, revision=base.revision, tuned=False)


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
