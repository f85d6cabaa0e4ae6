"""Rows that say nearly the same: MinHash signatures of masked words, compared where locality-sensitive hashing meets.

A signature has 64 positions over shingles of 3 words in which paths, versions and numbers are masked; the share of
equal positions estimates the Jaccard similarity of two rows (standard error at 0.8: 0.05). Rows are compared if one of
12 bands of 5 positions is equal: so are 0.99 of the pairs at 0.8 (Leskovec et al., Mining of Massive Datasets, 3.4).
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import rensa

PLACES, BANDS, WIDTH, SHINGLE = 64, 12, 5, 3
SEED = 1
THREADS, PIECES = 2, 32
"""NumPy does not hold the interpreter's lock; pieces stay in the processor's cache."""
Signatures = npt.NDArray[np.uint32]  # (rows, PLACES)
Keys = npt.NDArray[np.uint64]  # (rows, BANDS)
_MASKED = re.compile(r"[/\\]|\d\.\d|^[^A-Za-z]*$|^[\w-]+\.[a-z]{1,4}(?::\d+)?$")
_EDGES = ".,;:!?\"'`()[]{}<>*"


class Words(dict[str, int]):
    """The 64-bit hash of each word, in lower case and without punctuation around it; paths and numbers are masked."""

    def __missing__(self, word: str) -> int:
        plain = word.strip(_EDGES).lower()
        shown = "#" if _MASKED.search(plain) else plain
        if len(self) > 500_000:
            self.clear()
        value = int.from_bytes(hashlib.blake2b(shown.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
        self[word] = value
        return value


def sign(texts: Iterable[str], words: Words) -> Signatures:
    """The signatures of texts, shape (texts, PLACES)."""
    hashed = [[words[word] for word in text.split()] for text in texts]
    shingles = [_shingles(np.array(each, dtype=np.uint64)) for each in hashed]
    offsets = np.concatenate(([0], np.cumsum([len(each) for each in shingles]))).astype(np.uint64)
    flat = np.concatenate(shingles) if shingles else np.empty(0, np.uint64)
    matrix = rensa.RMinHash.digest_matrix_from_flat_token_hashes(flat, offsets, PLACES, SEED)
    return np.array(matrix.to_rows(), dtype=np.uint32).reshape(-1, PLACES)


def _shingles(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    count = len(words) - SHINGLE + 1
    if count < 1:
        return words.sum(keepdims=True, dtype=np.uint64) if len(words) else np.zeros(1, np.uint64)
    mixed = words[:count].copy()
    for place in range(1, SHINGLE):
        mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + words[place : place + count]
    return mixed


def near_rows(
    signatures: Signatures, tasks: npt.NDArray[np.intp], held: int, threshold: float
) -> npt.NDArray[np.bool_]:
    """Which rows repeat an earlier one; rows come in the order in which they are preferred, the first `held` held out.

    Rows repeat each other within a task; across the sides, whatever the task. threshold is the least similarity.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        keys = np.concatenate(list(pool.map(_bands, np.array_split(signatures, PIECES))))
    tasks_of = tasks.astype(np.uint64)
    near = np.zeros(len(signatures), dtype=bool)
    _mark(near, signatures, keys ^ (tasks_of[:, None] * np.uint64(0xD6E8FEB86659FD93)), 0, threshold)
    if 0 < held < len(signatures):
        _mark(near, signatures, keys, held, threshold)
    return near


def _bands(signatures: Signatures) -> Keys:
    """The 64-bit key of each band, shape (rows, BANDS); equal bands have equal keys."""
    bands = signatures[:, : BANDS * WIDTH].reshape(len(signatures), BANDS, WIDTH).astype(np.uint64)
    keys = np.broadcast_to(np.arange(BANDS, dtype=np.uint64), bands.shape[:2]).copy()
    for place in range(WIDTH):
        keys = (keys ^ bands[:, :, place]) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
    return keys


def _mark(near: npt.NDArray[np.bool_], signatures: Signatures, keys: Keys, held: int, threshold: float) -> None:
    """Marks in `near` what repeats an earlier kept row; with `held`, what after it repeats a row before it."""
    shared = _shared(keys, held)
    kept: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(shared.any(axis=1) & ~near).tolist():
        meeting = [int(key) for key in keys[row][shared[row]]]
        before = sorted({each for key in meeting for each in kept.get(key, ())})
        same = (signatures[before] == signatures[row]).mean(axis=1) if before else np.empty(0)
        if (same >= threshold).any() and row >= held:
            near[row] = True
        elif not held or row < held:
            for key in meeting:
                kept[key].append(row)


def _shared(keys: Keys, held: int) -> npt.NDArray[np.bool_]:
    """Which bands another row has too; with `held`, which a row of the other side has."""
    with ThreadPoolExecutor(THREADS) as pool:
        return np.stack(list(pool.map(lambda band: _met(keys[:, band], held), range(keys.shape[1]))), axis=1)


def _met(keys: npt.NDArray[np.uint64], held: int) -> npt.NDArray[np.bool_]:
    """Which of the keys of one band another row has, or with `held`, a row of the other side."""
    order = np.argsort(keys)
    starts = np.flatnonzero(np.diff(keys[order], prepend=keys[order[:1]] + np.uint64(1)))
    counts = np.diff(starts, append=len(keys))
    before = np.add.reduceat((order < held).astype(np.intp), starts) if held else np.ones_like(counts)
    met = np.zeros(len(keys), dtype=bool)
    met[order] = np.repeat((before > 0) & (counts > before), counts)
    return met
