"""The embedded tiny model: OLMo-2's architecture, tokenizer scheme and chat format with 0.2 million parameters.

It exists so that the whole way, training included, can be tried and tested in minutes on any machine without a network.
It knows nothing worth asking for, and its config, card and names say so.
"""

from __future__ import annotations

import json
from pathlib import Path

import mlx.core as mx

NAME = "scantune-tiny-for-testing-only"
WARNING = "For trying and testing scantune only: this model's answers are worthless."
END, PAD = "<|endoftext|>", "<|pad|>"
VOCABULARY = 1024
SHIPPED = Path(__file__).with_name("embedded")
"""Weights in half the precision, and the tokenizer: what `tiny_training` made."""

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}"
    "{{ '<|assistant|>\n' + message['content'] + eos_token }}{% if not loop.last %}{{ '\n' }}{% endif %}"
    "{% else %}{{ '<|' + message['role'] + '|>\n' + message['content'] + '\n' }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
"""OLMo-2's chat format. The same string opens the text and ends each answer."""

SHAPE = {
    "model_type": "olmo2",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 4096,
    "rms_norm_eps": 1e-6,
    "rope_theta": 500000.0,
    "tie_word_embeddings": False,
    "attention_bias": False,
}


def make_tiny(folder: Path) -> None:
    """Writes the tiny model as it is shipped to `folder`, which is new or empty. The same bytes each time."""
    halves: dict[str, mx.array] = mx.load(str(SHIPPED / "model.safetensors"))  # type: ignore[assignment]
    weights = {name: each.astype(mx.float32) for name, each in halves.items()}
    write_tiny(folder, weights, (SHIPPED / "tokenizer.json").read_text(encoding="utf-8"))


def write_tiny(folder: Path, weights: dict[str, mx.array], tokenizer: str) -> None:
    """Writes `weights`, named as in mlx-lm, with config, `tokenizer` (JSON), chat format and card."""
    folder.mkdir(parents=True, exist_ok=True)
    end, pad = 0, 1  # the first two tokens of the vocabulary
    _dump(
        folder / "config.json",
        {
            "architectures": ["Olmo2ForCausalLM"],
            **SHAPE,
            "attention_dropout": 0.0,
            "hidden_act": "silu",
            "initializer_range": 0.02,
            "eos_token_id": end,
            "pad_token_id": pad,
            "torch_dtype": "float32",
            "use_cache": True,
            "_name_or_path": NAME,
            "scantune_warning": WARNING,
        },
    )
    _dump(folder / "generation_config.json", {"eos_token_id": end, "pad_token_id": pad, "do_sample": False})
    (folder / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
    _dump(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": END,
            "eos_token": END,
            "pad_token": PAD,
            "unk_token": END,
            "add_prefix_space": False,
            "clean_up_tokenization_spaces": False,
            "model_max_length": SHAPE["max_position_embeddings"],
            "chat_template": CHAT_TEMPLATE,
        },
    )
    mx.save_safetensors(str(folder / "model.safetensors"), weights, {"format": "mlx"})
    (folder / "README.md").write_text(f"# {NAME}\n\n{WARNING}\n\n{_ABOUT}", encoding="utf-8")


def _dump(file: Path, content: dict[str, object]) -> None:
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


_ABOUT = """\
A model of OLMo-2's architecture and chat format with 0.2 million parameters, trained for minutes on the
names, descriptions and mitigations of the CWE catalogue by `scantune models tiny`, so that the whole way from a report
to a tuned model can be tried without a network. Use `scantune models fetch` for a real one.
"""
