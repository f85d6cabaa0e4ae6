"""Every row once an epoch, however many there are; little padding; the same order for the same seed."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from handlers.training.batches import (
    WIDTH,
    Batch,
    Layout,
    check_batches,
    epoch_updates,
    fill,
    make_batch,
    update_batches,
)
from handlers.training.encode import Row


def rows_of(lengths: list[tuple[int, int]]) -> list[Row]:
    """Rows of (prompt, completion) lengths; every token is told apart by its value."""
    rows, token = [], 1
    for number, (prompt, completion) in enumerate(lengths, start=1):
        tokens = tuple(range(token, token + prompt + completion))
        rows.append(Row(number=number, tokens=tokens, start=prompt))
        token += prompt + completion
    return rows


REACH = 2048
lengths = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 60)), min_size=1, max_size=40)
layouts = st.builds(
    Layout,
    batch_size=st.integers(1, 7),
    accumulation=st.integers(1, 4),
    packing=st.booleans(),
    seed=st.integers(0, 99),
    reach=st.sampled_from([0, 256, 8192]),
)


def learned(batch: Batch) -> dict[int, int]:
    """Learned token -> the token just before it in the batch, both as values."""
    flat = batch.tokens.reshape(-1)
    true = batch.mask == 1
    return {int(label): int(flat[at]) for label, at in zip(batch.labels[true], batch.positions[true], strict=True)}


@given(lengths, layouts, st.integers(0, 3))
def test_each_epoch_trains_every_completion_token_once_from_the_token_before_it(
    shape: list[tuple[int, int]], layout: Layout, epoch: int
) -> None:
    rows = rows_of(shape)
    updates = epoch_updates(rows, layout, epoch)
    assert len(updates) == layout.updates(len(rows))
    found: dict[int, int] = {}
    for update in updates:
        batches = update_batches(update, layout)
        assert len(batches) == layout.accumulation
        for batch in batches:
            assert not found.keys() & learned(batch).keys()
            found |= learned(batch)
    assert found == {token: token - 1 for row in rows for token in row.tokens[row.start :]}


@given(lengths, layouts)
def test_an_update_weighs_each_completion_token_the_same(shape: list[tuple[int, int]], layout: Layout) -> None:
    for update in epoch_updates(rows_of(shape), layout, 0):
        batches = update_batches(update, layout)
        total = sum(batch.mask.sum() / batch.divisor for batch in batches) / layout.accumulation
        assert np.isclose(total, 1.0)


@given(lengths, st.integers(1, 9))
def test_an_evaluation_sees_every_row_once(shape: list[tuple[int, int]], size: int) -> None:
    rows = rows_of(shape)
    batches = list(check_batches(rows, size))
    assert sorted(number for batch in batches for number in batch.rows) == [row.number for row in rows]
    assert sum(batch.mask.sum() for batch in batches) == sum(row.completion for row in rows)


@given(lengths)
def test_packed_rows_share_sequences_that_cost_no_more_than_padded_ones(shape: list[tuple[int, int]]) -> None:
    rows = rows_of(shape)
    packed, padded = make_batch(rows, True, 1.0, REACH), make_batch(rows, False, 1.0)
    assert packed.tokens.shape[0] <= padded.tokens.shape[0]
    assert packed.tokens.size <= padded.tokens.size
    assert cost(packed) <= cost(padded)
    if packed.segments is not None:
        for row in rows:
            inside = np.isin(packed.tokens, row.tokens[:-1])
            assert len(set(packed.segments[inside].tolist())) <= 1
            assert 0 not in packed.segments[inside]


@given(lengths, st.integers(101, 200))
def test_no_sequence_holds_more_than_its_width(shape: list[tuple[int, int]], width: int) -> None:
    bins = fill(rows_of(shape), width)
    assert sorted(row.number for each in bins for row in each) == list(range(1, len(shape) + 1))
    assert all(sum(len(row.tokens) - 1 for row in each) <= width for each in bins)


def cost(batch: Batch) -> int:
    return batch.tokens.size * (REACH + batch.tokens.shape[1])


@given(st.lists(st.integers(1, 400), min_size=1, max_size=5))
def test_no_other_width_costs_less(completions: list[int]) -> None:
    rows = rows_of([(30, completion) for completion in completions])
    made = make_batch(rows, True, 1.0, REACH)
    narrowest = make_batch(rows, False, 1.0).tokens.shape[1]
    widths = range(narrowest, 5 * narrowest + WIDTH, WIDTH)
    assert cost(made) == min(len(fill(rows, width)) * width * (REACH + width) for width in widths)


def test_rows_that_do_not_fit_beside_the_longest_share_wider_sequences() -> None:
    rows = rows_of([(100, 276), (100, 250), (100, 200), (100, 180)])
    assert make_batch(rows, True, 1.0, REACH).tokens.shape == (2, 672)
    assert make_batch(rows, False, 1.0).tokens.shape == (4, 384)


def test_rows_of_like_length_meet() -> None:
    rows = rows_of([(5, length) for length in range(5, 105)])
    layout = Layout(batch_size=4, packing=False)
    slots = sum(
        batch.tokens.size for update in epoch_updates(rows, layout, 0) for batch in update_batches(update, layout)
    )
    assert slots < 1.35 * sum(len(row.tokens) for row in rows)


def test_the_order_belongs_to_seed_and_epoch() -> None:
    rows = rows_of([(3, 4 + number % 5) for number in range(30)])
    layout, other = Layout(batch_size=4, seed=1), Layout(batch_size=4, seed=2)
    assert epoch_updates(rows, layout, 0) == epoch_updates(rows, layout, 0)
    assert epoch_updates(rows, layout, 0) != epoch_updates(rows, layout, 1)
    assert epoch_updates(rows, layout, 0) != epoch_updates(rows, other, 0)
