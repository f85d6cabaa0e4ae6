"""Checks a finished model by using it: what `scantune validate-model` does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten
from mlx_lm import stream_generate
from mlx_lm.utils import load_adapters

from handlers.models.base import content_revision
from handlers.models.card import measured
from handlers.models.device import settle_device
from handlers.models.finish import ADAPTERS
from handlers.models.fuse import check_rope, read_config
from handlers.models.metadata import read_metadata
from handlers.models.opening import open_model
from handlers.upload.gates import front_matter
from watcher.errors import BadInput, JobError

FILES = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "README.md")
QUESTION = "What is CWE-89, and how is it fixed?"
ANSWER_TOKENS = 48

Say = Callable[[str], None]


def find_faults(folder: Path, say: Say) -> list[str]:
    """Why the model in `folder` must not be used or published, each a sentence; empty if it may. Says what it sees."""
    missing = [f"{name} is missing" for name in FILES if not (folder / name).is_file()]
    if missing:
        return missing
    say(f"files      {', '.join(FILES)}: there")
    return [*_metadata_faults(folder, say), *_model_faults(folder, say)]


def _metadata_faults(folder: Path, say: Say) -> list[str]:
    try:
        metadata = read_metadata(folder)
    except BadInput as error:
        return [str(error)]
    say(f"trained    on {metadata.base_model} with {metadata.dataset.train} rows, {metadata.updates} updates")
    say(f"losses     base {metadata.before.loss:.4f}, this model {metadata.after.loss:.4f} ({-metadata.gain:+.1%})")
    if metadata.test is not None:
        say(f"on test    base {metadata.test.before.loss:.4f}, this model {metadata.test.after.loss:.4f}")
    if metadata.embedded:
        say("note       the base is the embedded tiny model: for trying and testing only")
    found = (
        [] if metadata.name == folder.name else [f"metadata.json is of {metadata.name}, the folder is {folder.name}"]
    )
    if content_revision(folder) != metadata.weights:
        found.append("weights, config or tokenizer are not those that metadata.json was written for")
    if _card_numbers(folder) != [each for _, told in measured(metadata) for each in (told.loss, told.perplexity)]:
        found.append("the numbers in README.md are not those of metadata.json")
    return found


def _card_numbers(folder: Path) -> list[object]:
    head: Any = front_matter((folder / "README.md").read_text(encoding="utf-8"))
    try:
        return [each["value"] for result in head["model-index"][0]["results"] for each in result["metrics"]]
    except (KeyError, IndexError, TypeError):
        return []


def _model_faults(folder: Path, say: Say) -> list[str]:
    settle_device()
    try:
        model, tokenizer = open_model(folder)
        check_rope(model, read_config(folder), folder)
    except JobError as error:
        return [str(error)]
    parameters = tree_flatten(model.parameters())
    say(f"weights    {sum(each.size for _, each in parameters):,} parameters, loaded with mlx-lm")
    broken = _not_finite(dict(parameters))
    return broken or [*_answer_faults(model, tokenizer, say), *_adapter_faults(folder, model, say)]


def _not_finite(weights: dict[str, mx.array]) -> list[str]:
    return [
        f"{name} holds numbers that are not finite" for name, each in weights.items() if not mx.isfinite(each).all()
    ]


def _answer_faults(model: Any, tokenizer: Any, say: Say) -> list[str]:
    """Greedy, so that the same model always gives the same answer."""
    prompt = tokenizer.apply_chat_template([{"role": "user", "content": QUESTION}], add_generation_prompt=True)
    steps = list(stream_generate(model, tokenizer, prompt, max_tokens=ANSWER_TOKENS))
    text = "".join(each.text for each in steps).strip()
    say(f"asked      {QUESTION}")
    say(f"answered   {text}")
    return [] if text else ["it answers a question with nothing"]


def _is_export(folder: Path) -> bool:
    try:
        return read_metadata(folder).export is not None
    except BadInput:
        return False


def _adapter_faults(folder: Path, model: Any, say: Say) -> list[str]:
    """The adapter must fit a model of this shape; `model` is changed. A copy in fewer bits comes without one."""
    if not (folder / ADAPTERS).is_dir() and _is_export(folder):
        return []
    try:
        load_adapters(model, str(folder / ADAPTERS))
    except (ValueError, TypeError, KeyError, AttributeError, OSError, RuntimeError) as error:
        return [f"mlx-lm can't load {ADAPTERS}/: {error}"]
    weights: dict[str, mx.array] = mx.load(str(folder / ADAPTERS / "adapters.safetensors"))  # type: ignore[assignment]
    say(f"adapter    {sum(each.size for each in weights.values()):,} parameters in {len(weights)} tensors: fits")
    return _not_finite(weights)
