"""From a base and an adapter to one flat folder of weights that mlx-lm and transformers open alike."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten, tree_unflatten
from mlx_lm import load
from mlx_lm.utils import dequantize_model, save_model

from watcher.errors import BadInput

TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "chat_template.jinja",
)
PORTABLE_CLASS = "PreTrainedTokenizerFast"
"""Known to every transformers; version 5 saves `TokenizersBackend`, which version 4 rejects."""

Config = dict[str, Any]
"""`config.json` is other people's: what is not known here is carried along."""


def fuse(base: Path, adapter: Path, target: Path) -> None:
    """Writes weights, config and tokenizer of base + adapter to the folder `target`, without quantisation.

    Fused back into few bits a small change of the weights is lost in the rounding, so the result keeps full precision.
    Raises BadInput if mlx-lm reads another rope theta than the config means.
    """
    model, _ = load(str(base), adapter_path=str(adapter))
    config = read_config(base)
    check_rope(model, config, base)
    save_model(target, fused(model))
    write_config(target, plain_config(config, model))
    copy_tokenizer(base, target)
    copy_generation_config(base, target, config)


def fused(model: nn.Module) -> nn.Module:
    """The model with its adapter in the weights, all of them dequantised; changes `model` itself."""
    layers = [(name, each.fuse(dequantize=True)) for name, each in model.named_modules() if hasattr(each, "fuse")]
    model.update_modules(tree_unflatten(layers))
    return dequantize_model(model)


def read_config(folder: Path) -> Config:
    """A model's `config.json`."""
    config: Config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return config


def write_config(folder: Path, config: Config) -> None:
    """Writes a model's `config.json`, its keys in order."""
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def plain_config(config: Config, model: nn.Module) -> Config:
    """The config of the dequantised model, true for mlx-lm (which knows defaults of its own) and transformers."""
    kept = {key: value for key, value in config.items() if key not in ("quantization", "quantization_config")}
    return {
        **kept,
        "rope_theta": meant_theta(config),
        "tie_word_embeddings": "lm_head" not in model,
        "torch_dtype": _dtype(model),
    }


def check_rope(model: nn.Module, config: Config, folder: Path) -> None:
    """transformers 5 saves `rope_parameters`, which mlx-lm's OLMo-2 ignores: it would compute with another theta.

    Raises BadInput then."""
    meant = meant_theta(config)
    used = getattr(model.args, "rope_theta", meant)
    if meant is not None and meant != used:
        raise BadInput(
            f"{folder / 'config.json'} means rope_theta {meant}, mlx-lm reads {used}",
            f'add "rope_theta": {meant} to it',
        )


def meant_theta(config: Config) -> float | None:
    """The rotary frequency, wherever the config says it."""
    nested = config.get("rope_parameters") or {}
    theta: float | None = config.get("rope_theta", nested.get("rope_theta"))
    return theta


def _dtype(model: nn.Module) -> str:
    kinds = {value.dtype for _, value in tree_flatten(model.parameters())}
    widest = max(kinds, key=lambda kind: kind.size)
    return {mx.float32: "float32", mx.float16: "float16", mx.bfloat16: "bfloat16"}[widest]


def copy_tokenizer(base: Path, target: Path) -> None:
    """Copies the tokenizer's files as they are; only a class that transformers 4 rejects is replaced."""
    for name in TOKENIZER:
        if (base / name).is_file():
            shutil.copyfile(base / name, target / name)
    file = target / "tokenizer_config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    if config.get("tokenizer_class") in (None, "TokenizersBackend"):
        config["tokenizer_class"] = PORTABLE_CLASS
        file.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def copy_generation_config(base: Path, target: Path, config: Config) -> None:
    """Copies the base's, or makes the least one that ends answers where the model does."""
    if (base / "generation_config.json").is_file():
        shutil.copyfile(base / "generation_config.json", target / "generation_config.json")
        return
    ends = {key: config[key] for key in ("bos_token_id", "eos_token_id", "pad_token_id") if key in config}
    (target / "generation_config.json").write_text(json.dumps(ends, indent=2) + "\n", encoding="utf-8")
