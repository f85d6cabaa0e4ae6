"""Where everything is put together: the stages, in order, with what was chosen for this run."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass

from config.settings import Settings
from handlers import dataset
from handlers.cli.context import Context
from watcher.stage import Stage


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person may say of one run beyond the settings."""

    base_model: str | None = None
    skip_fine_tuning: bool = False
    output_name: str | None = None
    upload: bool = False
    daemon: bool = False
    """Under `watch`: `fine_tuning.skip_in_daemon` counts."""


def pipeline(context: Context, choices: Choices = Choices()) -> tuple[Stage, ...]:
    """The stages of this workspace. Heavy ones carry the command line that runs them in a process of their own."""
    settings = context.settings
    stages = [in_own_process(dataset.stage(settings, context.root), context, choices)]
    return tuple(stages)


def trains(settings: Settings, choices: Choices) -> bool:
    return not (choices.skip_fine_tuning or (choices.daemon and settings.fine_tuning.skip_in_daemon))


def in_own_process(stage: Stage, context: Context, choices: Choices) -> Stage:
    """`-P` keeps the current folder off the module path: a dropped `json.py` must not be imported."""
    command = [sys.executable, "-P", "-m", f"handlers.{stage.name}", "--workspace", str(context.root)]
    if context.config is not None:
        command += ["--config", str(context.config)]
    command += _flags(choices)
    return dataclasses.replace(stage, command=tuple(command))


def _flags(choices: Choices) -> list[str]:
    flags = []
    if choices.base_model:
        flags += ["--model-name", choices.base_model]
    if choices.output_name:
        flags += ["--fine-tuning-model-name", choices.output_name]
    if choices.upload:
        flags += ["--upload-model"]
    return flags
