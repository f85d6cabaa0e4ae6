"""How the embedded tiny model came to be: its tokenizer and its weights, trained on the CWE catalogue.

`scantune models tiny --train` does it again. With OpenBLAS that takes some minutes, with the stock CPU build of MLX the
better part of an hour: for that reason the result is shipped.
"""

from __future__ import annotations

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
from handlers.models.device import settle_device
from handlers.models.tiny import END, PAD, SHAPE, VOCABULARY, write_tiny

STEPS = 1500
"""Of the training that made the shipped weights."""
SEED = 20
BATCH, LENGTH = 8, 128  # rows and tokens a step
PEAK_RATE = 6e-3

Say = Callable[[str], None]


def train_tiny(folder: Path, say: Say, steps: int = STEPS) -> None:
    """Writes a tiny model trained anew to `folder`. The same bytes for the same `steps`, catalogue and kind of machine.

    Sets MLX's global random state.
    """
    settle_device()
    texts = [_rendered(chat) for chat in tiny_text.chats(SEED)]
    tokenizer = _train_tokenizer(texts)
    model = _train_model(tokenizer, texts, steps, say)
    write_tiny(folder, dict(tree_flatten(model.parameters())), tokenizer.to_str(pretty=False))


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


def _train_model(tokenizer: Tokenizer, texts: list[str], steps: int, say: Say) -> olmo2.Model:
    mx.random.seed(SEED)
    model = olmo2.Model(olmo2.ModelArgs(**SHAPE))
    optimizer = optimizers.AdamW(_rate(steps))
    loss_and_gradients = nn.value_and_grad(model, lambda rows: _loss(model, rows))
    for step, rows in enumerate(islice(_batches(tokenizer, texts), steps), 1):
        loss, gradients = loss_and_gradients(rows)
        gradients, _ = optimizers.clip_grad_norm(gradients, 1.0)
        optimizer.update(model, gradients)
        mx.eval(model.parameters(), optimizer.state)
        if step % 20 == 0 or step == steps:
            say(f"tiny model: step {step} of {steps}, loss {loss.item():.2f}")
    return model


def _rate(steps: int) -> Callable[[mx.array], mx.array]:
    """Learning rate by step: a tenth of the way up, then down along a cosine."""
    warmup = max(1, steps // 10)
    rise, fall = optimizers.linear_schedule(0.0, PEAK_RATE, warmup), optimizers.cosine_decay(PEAK_RATE, steps)
    rate: Callable[[mx.array], mx.array] = optimizers.join_schedules([rise, fall], [warmup])
    return rate


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
