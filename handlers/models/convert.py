"""From a model as transformers saves it to one as mlx-lm trains on it: cast, quantised, true to its config."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import mlx.core as mx
from mlx_lm import load
from mlx_lm.utils import quantize_model, save_model

from handlers.models.fuse import (
    check_rope,
    copy_generation_config,
    copy_tokenizer,
    meant_theta,
    read_config,
    write_config,
)
from watcher.errors import BadInput

GROUP = 64  # weights that share a scale


def convert(source: Path, target: Path, bits: int | None) -> None:
    """Writes the model in `source` to the folder `target`, each group of 64 weights in `bits` bits (None: as it is).

    Raises BadInput if mlx-lm can't read it, or would read another rope theta than the config means.
    """
    config = read_config(source)
    if (theta := meant_theta(config)) is not None:
        # transformers 5 writes it into `rope_parameters` alone, where mlx-lm's OLMo-2 does not look.
        config["rope_theta"] = theta
        write_config(source, config)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            model, _ = load(str(source), lazy=True)
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise BadInput(f"{source}: mlx-lm can't read it: {error}", "choose a model that mlx-lm supports") from None
    check_rope(model, config, source)
    dtype = getattr(mx, config.get("torch_dtype") or config.get("dtype") or "bfloat16")
    model.set_dtype(dtype)
    config = {**config, "tie_word_embeddings": "lm_head" not in model}
    if bits is not None:
        with contextlib.redirect_stdout(io.StringIO()):
            model, config = quantize_model(model, config, GROUP, bits)
    save_model(target, model)
    write_config(target, config)
    copy_tokenizer(source, target)
    copy_generation_config(source, target, config)
