"""The base model made trainable: LoRA, DoRA or its own weights, on plain and on quantised bases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten
from mlx_lm.tuner.utils import linear_to_lora_layers

from config.settings import Training
from handlers.models.folder import tensors_written
from handlers.models.fuse import check_rope, read_config
from handlers.models.opening import open_model
from handlers.training.encode import Tokenizer
from watcher.errors import BadInput, Unavailable

DORA_BITS = (2, 4, 8)
"""mlx-lm's DoRA gets the width of a quantised weight wrong where 32 is no multiple of its bits."""
HEAD = "lm_head"
Module = Any


def load_base(folder: Path) -> tuple[Module, Tokenizer]:
    """Loads a base. On a CPU it computes in float32: bfloat16 products are many times slower there.

    Raises Unavailable (the base is at fault, not the rows) if mlx-lm can't load it or reads the rotary frequency wrong.
    """
    model, tokenizer = open_model(folder)
    try:
        check_rope(model, read_config(folder), folder)
    except BadInput as error:
        raise Unavailable(error.reason, error.hint) from None
    if mx.default_device() == mx.Device(mx.cpu):
        model.set_dtype(mx.float32)
    return model, tokenizer


def attach(model: Module, chosen: Training) -> tuple[int, tuple[str, ...]]:
    """Freezes all but what is trained; returns how many layers that concerns and the paths of the modules in a layer.

    Raises Unavailable if the settings do not fit the model.
    """
    layers = min(chosen.layers or len(model.layers), len(model.layers))
    modules = _modules(model, chosen.lora_modules)
    quantised = _bits(model)
    model.freeze()
    mx.random.seed(chosen.seed)
    if chosen.method == "full":
        if quantised:
            raise Unavailable("a quantised base can't be trained in full", "use fine_tuning.training.method: lora")
        for layer in model.layers[-layers:]:
            layer.unfreeze()
        return layers, ()
    if chosen.method == "dora" and quantised - set(DORA_BITS):
        raise Unavailable(
            f"DoRA can't be trained on a base of {', '.join(map(str, sorted(quantised)))} bits",
            "use fine_tuning.training.method: lora, or a base of 4 or 8 bits",
        )
    linear_to_lora_layers(model, layers, lora_parameters(chosen, modules), use_dora=chosen.method == "dora")
    return layers, modules


def lora_parameters(chosen: Training, modules: tuple[str, ...]) -> dict[str, object]:
    """As mlx-lm's `adapter_config.json` wants them: its `scale` is alpha / rank."""
    rank = chosen.lora_rank
    return {
        "rank": rank,
        "scale": chosen.lora_alpha / rank,
        "dropout": chosen.lora_dropout,
        "keys": list(modules),
    }


def _modules(model: Module, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Paths of a layer's linear modules, those whose path or last name is wanted; all if none is named.

    The head lies in no layer; it is trained only if it is named.
    """
    linear = (nn.Linear, nn.QuantizedLinear)
    inside = sorted({path for each in model.layers for path, part in each.named_modules() if isinstance(part, linear)})
    if not wanted:
        return tuple(inside)
    paths = [*inside, *(path for path, part in model.named_modules() if path == HEAD and isinstance(part, linear))]
    for name in wanted:
        if not any(_named(path, name) for path in paths):
            raise Unavailable(
                f"fine_tuning.training.lora_modules: no {name} in this model", f"it has {', '.join(paths)}"
            )
    return tuple(path for path in paths if any(_named(path, name) for name in wanted))


def _named(path: str, name: str) -> bool:
    return path == name or path.rsplit(".", 1)[-1] == name


def _bits(model: Module) -> set[int]:
    return {part.bits for _, part in model.named_modules() if isinstance(part, nn.QuantizedLinear)}


def trainable(model: Module) -> dict[str, mx.array]:
    """What is trained, by path."""
    return dict(tree_flatten(model.trainable_parameters()))


def save_adapter(
    folder: Path, weights: dict[str, mx.array], chosen: Training, layers: int, modules: tuple[str, ...]
) -> None:
    """Writes what `mlx_lm.load(base, adapter_path=folder)` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "adapters.safetensors"
    with tensors_written(file):
        mx.save_safetensors(str(file), weights, metadata={"format": "mlx"})
    config: dict[str, object] = {"fine_tune_type": chosen.method, "num_layers": layers}
    if chosen.method != "full":
        config["lora_parameters"] = lora_parameters(chosen, modules)
    text = json.dumps(config, indent=2, sort_keys=True)
    (folder / "adapter_config.json").write_text(text + "\n", encoding="utf-8")
