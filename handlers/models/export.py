"""A finished model in other forms: fewer bits (measured again), PEFT's adapter, GGUF by llama.cpp's own converter."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlx.core as mx
import msgspec

from handlers.dataset.rows import Example
from handlers.evaluation.drift import measure_drift
from handlers.evaluation.measure import evaluate_model
from handlers.models.base import content_revision
from handlers.models.convert import convert
from handlers.models.device import settle_device
from handlers.models.finish import ADAPTERS
from handlers.models.folder import making
from handlers.models.metadata import Drift, Export, Metadata, read_finished, write_metadata
from handlers.models.opening import open_model
from handlers.training.encode import encode_rows
from watcher.errors import BadInput, JobError, Unavailable
from watcher.files import hash_file

KEPT = 0.5
"""The share of the tuning's gain that a copy in fewer bits must keep."""
PROBED = 8
"""On how many rows the difference of predictions is measured."""
CONVERTER = "convert_hf_to_gguf.py"
PEFT_NAMES = {"lora_a": "lora_A.weight", "lora_b": "lora_B.weight", "m": "lora_magnitude_vector.weight"}

MODELFILE = '''\
FROM ./{file}
TEMPLATE """<|endoftext|>{{{{ range .Messages }}}}{{{{ if eq .Role "assistant" }}}}<|assistant|>
{{{{ .Content }}}}<|endoftext|>
{{{{ else }}}}<|{{{{ .Role }}}}|>
{{{{ .Content }}}}
{{{{ end }}}}{{{{ end }}}}<|assistant|>
"""
PARAMETER stop <|endoftext|>
'''

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished model and what is known of it."""

    folder: Path
    metadata: Metadata


def open_finished(folder: Path) -> Finished:
    """Raises BadInput if it is no folder that scantune finished."""
    return Finished(folder, read_finished(folder))


def export_quantised(model: Finished, bits: int, rows: Sequence[Example], say: Say) -> Path:
    """A copy in `bits` bits beside the model, NAME-qBITS, if it keeps at least half of what tuning gained.

    Raises BadInput if it does not: rounding can undo a small change of the weights altogether.
    """
    target = model.folder.with_name(f"{model.folder.name}-q{bits}")
    window = model.metadata.parameters.max_seq_length
    with making(target) as scratch:
        convert(model.folder, scratch, bits)
        whole, small, drift = _compared(model.folder, scratch, rows, window)
        gain = model.metadata.before.loss - model.metadata.after.loss
        say(f"validation loss {whole:.4f}, in {bits} bits {small:.4f}; tuning had gained {gain:.4f}; {drift}")
        if small - whole > (1 - KEPT) * gain:
            raise BadInput(
                f"in {bits} bits {model.folder.name} loses more than half of what tuning gained "
                f"({small - whole:.4f} of {gain:.4f} nats a token)",
                "use more bits, or the base with adapters/",
            )
        for name in ("README.md", ".gitattributes"):
            shutil.copyfile(model.folder / name, scratch / name)
        _describe(model, scratch, target.name, content_revision(scratch), loss=small, whole=whole, drift=drift)
    return target


def _compared(whole: Path, copy: Path, rows: Sequence[Example], window: int) -> tuple[float, float, Drift]:
    """The losses of both on the same rows, and how far the copy's predictions are off."""
    settle_device()
    old, tokenizer = open_model(whole)
    new, _ = open_model(copy)
    encoded = encode_rows(rows, tokenizer, window)
    before, after = (evaluate_model(each, encoded).loss for each in (old, new))
    return before, after, measure_drift(old, new, encoded.rows[:PROBED])


def _describe(model: Finished, folder: Path, name: str, weights: str, **measured: Any) -> None:
    """`metadata.json` of an export: that of the model it was made of, and what it is itself."""
    form = name.removeprefix(f"{model.folder.name}-")
    export = Export(of=model.folder.name, form=form, **measured)
    write_metadata(folder, msgspec.structs.replace(model.metadata, name=name, weights=weights, export=export))


def export_peft(model: Finished) -> Path:
    """The adapter as PEFT reads it, in NAME-peft beside the model. Raises BadInput where there is none."""
    method = model.metadata.parameters.method
    if method == "full":
        raise BadInput(f"{model.folder.name} was trained in full: it has no adapter", "use the model itself")
    source = model.folder / ADAPTERS
    weights: dict[str, mx.array] = mx.load(str(source / "adapters.safetensors"))  # type: ignore[assignment]
    given = json.loads((source / "adapter_config.json").read_text(encoding="utf-8"))["lora_parameters"]
    renamed = dict(_peft_tensor(name, each) for name, each in weights.items())
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": model.metadata.base_model,
        "revision": model.metadata.base_model_commit,
        "r": given["rank"],
        "lora_alpha": given["scale"] * given["rank"],
        "lora_dropout": given["dropout"],
        "use_dora": method == "dora",
        "target_modules": sorted({name.rpartition(".")[0] for name in weights}),
        "bias": "none",
        "inference_mode": True,
    }
    target = model.folder.with_name(f"{model.folder.name}-peft")
    with making(target) as scratch:
        mx.save_safetensors(str(scratch / "adapter_model.safetensors"), renamed, {"format": "pt"})
        (scratch / "adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
        _describe(model, scratch, target.name, content_revision(scratch))
    return target


def _peft_tensor(name: str, tensor: mx.array) -> tuple[str, mx.array]:
    """mlx-lm multiplies x @ a (in, r) @ b (r, out); PEFT keeps both as weights of linear layers, (r, in), (out, r)."""
    module, _, leaf = name.rpartition(".")
    return f"base_model.model.{module}.{PEFT_NAMES[leaf]}", mx.contiguous(tensor.T) if leaf != "m" else tensor


def export_gguf(model: Finished, llama_cpp: Path | None, say: Say) -> Path:
    """NAME-gguf beside the model: a GGUF file and a Modelfile for Ollama.

    `llama_cpp` is a checkout of llama.cpp; without one its converter is looked for on the search path. Raises
    Unavailable if it is not there, BadInput if it refuses the model.
    """
    converter = llama_cpp / CONVERTER if llama_cpp else Path(shutil.which(CONVERTER) or CONVERTER)
    if not converter.is_file():
        raise Unavailable(f"{converter} is not there", "give the checkout: --llama-cpp DIR; see llama.cpp's README")
    target = model.folder.with_name(f"{model.folder.name}-gguf")
    with making(target) as scratch:
        file = scratch / f"{model.folder.name}.gguf"
        command = [sys.executable, str(converter), str(model.folder), "--outfile", str(file), "--outtype", "auto"]
        say(" ".join(command))
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not file.is_file():
            raise _converter_failed(model.folder.name, converter, done.stderr or done.stdout)
        (scratch / "Modelfile").write_text(MODELFILE.format(file=file.name), encoding="utf-8")
        _describe(model, scratch, target.name, hash_file(file)[0])
    return target


def _converter_failed(name: str, converter: Path, said: str) -> JobError:
    """What to do depends on whether a package, the tokenizer or something else is the reason."""
    reason = f"{converter} failed on {name}: {(said.strip().splitlines() or ['it said nothing'])[-1]}"
    if "ModuleNotFoundError" in reason:
        return Unavailable(reason, f"{sys.executable} -m pip install torch sentencepiece gguf")
    if "pre-tokenizer was not recognized" in reason:
        return BadInput(reason, "it knows tokenizers by name, that of OLMo-2 among them; try a newer llama.cpp")
    return BadInput(reason, "run it by hand to see all of it")
