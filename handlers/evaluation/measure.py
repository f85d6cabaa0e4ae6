"""Losses of a model on rows: all of them, each by itself, only over the tokens of the answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from handlers.dataset.rows import Example
from handlers.evaluation.record import Evaluation, RowLoss, summarise
from handlers.models.device import settle_device
from handlers.models.opening import open_model
from handlers.training.batches import Batch, check_batches
from handlers.training.encode import Encoded, Row, encode_rows
from handlers.training.loss import arrays, logits_at
from watcher.errors import BadInput

BATCH = 4  # rows at once


def evaluate(
    model_dir: Path, adapter_dir: Path | None, rows: Sequence[Example], max_seq_length: int, batch_size: int = BATCH
) -> Evaluation:
    """Loads a model, with an adapter or without, and measures it on every row that fits `max_seq_length` tokens.

    Raises BadInput if not one row fits, or if the chat template does not suit (see `encode_rows`).
    """
    settle_device()
    model, tokenizer = open_model(model_dir, adapter_dir)
    return evaluate_model(model, encode_rows(rows, tokenizer, max_seq_length), batch_size)


def evaluate_model(model: nn.Module, encoded: Encoded, batch_size: int = BATCH) -> Evaluation:
    """The same for a model and rows in memory. Draws nothing at random; the model is in evaluation mode afterwards."""
    if not encoded.rows:
        raise BadInput("no row is left to evaluate on", "raise fine_tuning.training.max_seq_length")
    return summarise(list(row_losses(model, encoded.rows, batch_size)), len(encoded.left_out))


def row_losses(model: nn.Module, rows: Sequence[Row], batch_size: int) -> Iterator[RowLoss]:
    """One result a row, the longest rows first."""
    model.eval()
    completions = {row.number: row.completion for row in rows}
    for batch in check_batches(rows, batch_size):
        entropies = _entropies(model, batch)
        begin = 0
        for number in batch.rows:  # unpacked, their learned positions lie one after the other
            end = begin + completions[number]
            loss = float(entropies[begin:end].sum(dtype=np.float64))
            yield RowLoss(number=number, loss=loss, tokens=end - begin)
            begin = end


def _entropies(model: nn.Module, batch: Batch) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Nats at each learned position, padding included: (N,)."""
    tokens, segments, positions, labels, _, _ = arrays(batch)
    assert segments is None
    logits = logits_at(model, tokens, None, positions)
    return np.array(nn.losses.cross_entropy(logits.astype(mx.float32), labels))
