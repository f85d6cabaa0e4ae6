"""Models opened by mlx-lm, with a sentence instead of a traceback where one can't be. Imports MLX: own process only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlx_lm

from watcher.errors import Unavailable


def open_model(folder: Path, adapter: Path | None = None) -> tuple[Any, Any]:
    """Model and tokenizer of a folder, with the adapter of another one if that is given.

    Raises Unavailable if files are missing or damaged, or the tokenizer can't lay out a conversation: it is the model
    that is at fault, whatever it was opened for.
    """
    try:
        model, tokenizer, *_ = mlx_lm.load(str(folder), adapter_path=str(adapter) if adapter else None)
    except (ValueError, TypeError, KeyError, OSError, RuntimeError) as error:
        raise Unavailable(
            f"mlx-lm can't load {folder}: {first_line(error)}",
            "bring its files again, or name another model; `scantune models list` shows them",
        ) from error
    if not tokenizer.has_chat_template:
        raise Unavailable(
            f"the tokenizer in {folder} has no chat template, so it can't tell a question from an answer",
            "use a model made for conversations (its name often ends in Instruct), or add its chat_template.jinja",
        )
    return model, tokenizer


def first_line(error: Exception) -> str:
    """What mlx and transformers say may go on for pages."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
