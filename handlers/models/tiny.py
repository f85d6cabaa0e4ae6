"""The embedded tiny model: OLMo-2's architecture, tokenizer scheme and chat format with 0.2 million parameters.

It exists so that the whole way, training included, can be tried and tested in minutes on any machine without a network.
It knows nothing worth asking for, and its config, card and names say so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx import optimizers
from mlx.utils import tree_flatten
from mlx_lm.models import olmo2
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from handlers.models import tiny_text

NAME = "scantune-tiny-for-testing-only"
WARNING = "For trying and testing scantune only: this model's answers are worthless."
END, PAD = "<|endoftext|>", "<|pad|>"
VOCABULARY = 1024
STEPS = 40
SEED = 20
BATCH, LENGTH = 8, 128  # rows and tokens a step
PEAK_RATE = 1e-2

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


def make_tiny(folder: Path, say: Callable[[str], None] = lambda line: None, steps: int | None = None) -> None:
    """Trains the tiny model and writes it to `folder`, which must not exist or be empty.

    The same bytes for the same `steps` (default: STEPS) on the same kind of machine. Sets MLX's global random state.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = [_rendered(chat) for chat in tiny_text.chats(SEED)]
    tokenizer = _train_tokenizer(texts)
    model = _train_model(tokenizer, texts, steps or STEPS, say)
    _write(folder, model, tokenizer)


def _rendered(chat: tiny_text.Chat) -> str:
    return f"{END}<|user|>\n{chat.user}\n<|assistant|>\n{chat.assistant}{END}"


def _train_tokenizer(texts: list[str]) -> Tokenizer:
    """Byte-level BPE, as OLMo-2's: every text can be written, whatever bytes a report holds."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _train_model(tokenizer: Tokenizer, texts: list[str], steps: int, say: Callable[[str], None]) -> olmo2.Model:
    mx.random.seed(SEED)
    model = olmo2.Model(olmo2.ModelArgs(**SHAPE))
    warmup = max(1, steps // 10)
    rise, fall = optimizers.linear_schedule(0.0, PEAK_RATE, warmup), optimizers.cosine_decay(PEAK_RATE, steps)
    rate = optimizers.join_schedules([rise, fall], [warmup])
    optimizer = optimizers.AdamW(rate)
    loss_and_gradients = nn.value_and_grad(model, lambda rows: _loss(model, rows))
    for step, rows in enumerate(islice(_batches(tokenizer, texts), steps), 1):
        loss, gradients = loss_and_gradients(rows)
        gradients, _ = optimizers.clip_grad_norm(gradients, 1.0)
        optimizer.update(model, gradients)
        mx.eval(model.parameters(), optimizer.state)
        if step % 20 == 0 or step == steps:
            say(f"tiny model: step {step} of {steps}, loss {loss.item():.2f}")
    return model


def _loss(model: olmo2.Model, rows: mx.array) -> mx.array:
    """Mean cross-entropy of each token given those before it; `rows` is (BATCH, LENGTH) token ids."""
    losses: mx.array = nn.losses.cross_entropy(model(rows[:, :-1]), rows[:, 1:])
    return losses.mean()


def _batches(tokenizer: Tokenizer, texts: list[str]) -> Iterator[mx.array]:
    """Token ids (BATCH, LENGTH), cut from all texts in a row, again and again."""
    stream = np.concatenate([each.ids for each in tokenizer.encode_batch(texts)])
    size = BATCH * LENGTH
    while True:
        for start in range(0, len(stream) - size + 1, size):
            yield mx.array(stream[start : start + size].reshape(BATCH, LENGTH))


def _write(folder: Path, model: olmo2.Model, tokenizer: Tokenizer) -> None:
    end, pad = tokenizer.token_to_id(END), tokenizer.token_to_id(PAD)
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
    tokenizer.save(str(folder / "tokenizer.json"))
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
    weights = dict(tree_flatten(model.parameters()))
    mx.save_safetensors(str(folder / "model.safetensors"), weights, {"format": "mlx"})
    (folder / "README.md").write_text(f"# {NAME}\n\n{WARNING}\n\n{_ABOUT}", encoding="utf-8")


def _dump(file: Path, content: dict[str, object]) -> None:
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


_ABOUT = """\
A model of OLMo-2's architecture and chat format with 0.2 million parameters, trained for seconds on the
names, descriptions and mitigations of the CWE catalogue by `scantune models tiny`, so that the whole way from a report
to a tuned model can be tried without a network. Use `scantune models fetch` for a real one.
"""
