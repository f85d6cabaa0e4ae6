"""The loss over completion tokens, computed only where there is one to predict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import mlx.nn as nn

from handlers.training.batches import REACH, Batch

PLAIN = ("llama", "olmo2", "qwen2", "qwen3")
"""Model types that are `head(body(tokens, cache))` and make every layer's mask from its cache, and nothing else."""
REACH_FACTOR = 4
"""What a layer computes for a token grows with the square of its hidden size, attention to another token with the size.
By operations it is eight times the size; measured on a CPU, where attention is slower, four to five."""

Arrays = tuple[mx.array, mx.array | None, mx.array, mx.array, mx.array, mx.array]


@dataclass(frozen=True, slots=True)
class Segments:
    """Stands where a layer expects its key-value cache and gives it a mask: rows of a sequence don't see each other.

    Rotary positions are relative, so a row that begins in the middle of a sequence needs no positions of its own.
    """

    ids: mx.array  # (B, T)
    offset: int = 0

    def make_mask(self, length: int, return_array: bool = False, window_size: int | None = None) -> mx.array:
        """(B, 1, T, T), true where a query (third axis) may see a key (fourth)."""
        at = mx.arange(length)
        causal = at[:, None] >= at[None]
        if window_size is not None:
            causal = causal & (at[:, None] < at[None] + window_size)
        return ((self.ids[:, :, None] == self.ids[:, None, :]) & causal)[:, None]

    def update_and_fetch(self, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
        return keys, values


def arrays(batch: Batch) -> Arrays:
    """The arguments of `completion_loss` after the model."""
    return (
        mx.array(batch.tokens),
        None if batch.segments is None else mx.array(batch.segments),
        mx.array(batch.positions),
        mx.array(batch.labels),
        mx.array(batch.mask),
        mx.array(batch.divisor),
    )


def completion_loss(
    model: nn.Module,
    tokens: mx.array,
    segments: mx.array | None,
    positions: mx.array,
    labels: mx.array,
    mask: mx.array,
    divisor: mx.array,
) -> tuple[mx.array, mx.array]:
    """Cross-entropy in nats, summed over the true positions and divided by `divisor`; and how many they are."""
    cache = None if segments is None else [Segments(segments)] * len(model.layers)
    logits = logits_at(model, tokens, cache, positions)
    entropy = nn.losses.cross_entropy(logits.astype(mx.float32), labels)
    return (entropy * mask).sum() / divisor, mask.sum()


def logits_at(model: Any, tokens: mx.array, cache: list[Segments] | None, positions: mx.array) -> mx.array:
    """(N, V). The head runs at the learned positions alone where the model has the usual shape of body and head."""
    body = getattr(model, "model", None)
    logits: mx.array
    if body is None or not takes_packed_rows(model):
        logits = model(tokens, cache=cache)
        return logits.reshape(-1, logits.shape[-1])[positions]
    hidden = body(tokens, cache)
    hidden = hidden.reshape(-1, hidden.shape[-1])[positions]
    logits = body.embed_tokens.as_linear(hidden) if model.args.tie_word_embeddings else model.lm_head(hidden)
    return logits


def reach_of(model: Any) -> int:
    """To how many tokens attention costs as much as all else that a layer computes for one (see `Layout.reach`)."""
    return REACH_FACTOR * int(model.args.hidden_size) if takes_packed_rows(model) else REACH


def takes_packed_rows(model: Any) -> bool:
    """Whether the mask of `Segments` is known to reach every layer of this kind of model."""
    return getattr(model, "model_type", "") in PLAIN
