"""Where everything is put together: the stages, in order, with what was chosen for this run."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path

from config.settings import Settings
from handlers import analysis, dataset, narrative, training, upload
from handlers.context import Context
from watcher.stage import Stage

INLINE_BYTES = 4_000_000
"""What takes longer than about a second to read or to describe gets a process of its own: the others need not wait."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person may say of one run beyond the settings."""

    base_model: str | None = None
    skip_fine_tuning: bool = False
    output_name: str | None = None
    """The very name of the finished model, which must be free; without it models are numbered."""
    upload: bool = False
    daemon: bool = False
    """Under `watch`: `fine_tuning.skip_in_daemon` counts."""
    outbox: Path | None = None
    """`--output-dir`: an outbox of its own."""


def pipeline(context: Context, choices: Choices = Choices()) -> tuple[Stage, ...]:
    """The stages that run in this workspace."""
    settings = _chosen(context.settings, choices)
    runs = {"training": trains(settings, choices), "upload": settings.fine_tuning.huggingface.upload_enabled}
    return tuple(stage for stage in every_stage(context, choices) if runs.get(stage.name, True))


def every_stage(context: Context, choices: Choices = Choices()) -> tuple[Stage, ...]:
    """All there are, in order. Heavy ones carry the command line that runs them in a process of their own."""
    settings, root = _chosen(context.settings, choices), context.root
    writing = [analysis.stage(settings, root), narrative.stage(settings, root)]
    heavy = [
        dataset.stage(settings, root),
        training.stage(settings, root, output_name=choices.output_name),
        upload.stage(settings, root),
    ]
    apart = [in_own_process(stage, context, choices) for stage in (*writing, *heavy)]
    small = {stage.name: INLINE_BYTES for stage in writing if not stage.lock}
    return tuple(dataclasses.replace(stage, inline_bytes=small.get(stage.name, 0)) for stage in apart)


def trains(settings: Settings, choices: Choices) -> bool:
    return not (choices.skip_fine_tuning or (choices.daemon and settings.fine_tuning.skip_in_daemon))


def _chosen(settings: Settings, choices: Choices) -> Settings:
    """The settings with what was said for this run in their place."""
    fine_tuning = settings.fine_tuning
    if choices.upload:
        hub = fine_tuning.huggingface.model_copy(update={"upload_enabled": True})
        fine_tuning = fine_tuning.model_copy(update={"huggingface": hub})
    base = choices.base_model or settings.default_base_model
    return settings.model_copy(update={"fine_tuning": fine_tuning, "default_base_model": base})


def in_own_process(stage: Stage, context: Context, choices: Choices) -> Stage:
    """`-P` keeps the current folder off the module path: a dropped `json.py` must not be imported."""
    command = [sys.executable, "-P", "-m", f"handlers.{stage.name}", "--workspace", str(context.root)]
    if context.config is not None:
        command += ["--config", str(context.config)]
    return dataclasses.replace(stage, command=(*command, *_flags(choices)))


def _flags(choices: Choices) -> list[str]:
    """The choices as the command line of `handlers.byhand` takes them."""
    flags = []
    if choices.outbox:
        flags += ["--output-dir", str(choices.outbox)]
    if choices.base_model:
        flags += ["--model-name", choices.base_model]
    if choices.output_name:
        flags += ["--fine-tuning-model-name", choices.output_name]
    if choices.upload:
        flags += ["--upload-model"]
    return flags
