"""How far a model in another form is from what it was made of, by what both predict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from handlers.models.metadata import Drift
from handlers.training.batches import Batch, check_batches
from handlers.training.encode import Row
from handlers.training.loss import arrays, logits_at


def measure_drift(old: Any, new: Any, rows: Sequence[Row]) -> Drift:
    """Over the completion tokens of `rows`, at least one; both models have the same vocabulary."""
    largest = total = 0.0
    for batch in check_batches(rows, 1):  # logits are wide
        before, after = (_logits(model, batch) for model in (old, new))
        known, given = (each - mx.logsumexp(each, axis=-1, keepdims=True) for each in (before, after))
        divergences = (mx.exp(known) * (known - given)).sum(-1)
        largest = max(largest, float(np.array(mx.abs(before - after)).max()))
        total += float(np.array(divergences).sum(dtype=np.float64))
    tokens = sum(row.completion for row in rows)
    return Drift(largest=largest, divergence=max(0.0, total / tokens), tokens=tokens)  # rounding may go below 0


def _logits(model: nn.Module, batch: Batch) -> mx.array:
    """(N, V) in float32, at the learned positions alone."""
    model.eval()
    tokens, _, positions, _, _, _ = arrays(batch)
    count = int(batch.mask.sum())
    return logits_at(model, tokens, None, positions[:count]).astype(mx.float32)
