"""The settings as they are used on a given number of rows: what would never happen is brought within reach."""

from __future__ import annotations

from collections.abc import Iterator

from config.settings import FineTuning, Training
from handlers.training.batches import REACH, Layout
from handlers.training.records import Examination, Parameters, Schedule

WARMUP_SHARE = 50
"""Warm-up takes at most one of this many updates; AdamW's moments, which begin at zero, act as a warm-up anyway."""


def layout_of(chosen: Training, packing: bool, reach: int = REACH) -> Layout:
    return Layout(
        batch_size=chosen.batch_size,
        accumulation=chosen.gradient_accumulation,
        packing=packing,
        seed=chosen.seed,
        reach=reach,
    )


def schedule_of(chosen: Training, rows: int) -> Schedule:
    """`rows` train rows, at least one."""
    per_epoch = layout_of(chosen, False).updates(rows)
    updates = per_epoch * chosen.max_epochs
    if chosen.max_updates:
        updates = min(updates, chosen.max_updates)
    return Schedule(
        learning_rate=chosen.learning_rate,
        updates=updates,
        per_epoch=per_epoch,
        warmup=min(chosen.warmup_steps, updates // WARMUP_SHARE),
        eval_every=min(chosen.eval_steps, per_epoch, updates),
        save_every=min(chosen.save_steps, updates),
    )


def parameters_of(
    settings: FineTuning, rows: int, layers: int, modules: tuple[str, ...], packing: bool, dtype: str
) -> Parameters:
    """Everything as it is used; `packing` is whether the model can take packed rows."""
    chosen = settings.training
    return Parameters(
        method=chosen.method,
        rank=chosen.lora_rank,
        alpha=chosen.lora_alpha,
        dropout=chosen.lora_dropout,
        layers=layers,
        modules=modules,
        batch_size=chosen.batch_size,
        accumulation=chosen.gradient_accumulation,
        epochs=chosen.max_epochs,
        schedule=schedule_of(chosen, rows),
        max_seq_length=chosen.max_seq_length,
        packing=packing,
        clip_norm=chosen.clip_norm,
        patience=chosen.patience,
        seed=chosen.seed,
        gradient_checkpointing=settings.mlx.gradient_checkpointing,
        dtype=dtype,
        replay_share=chosen.replay_share,
        examination=Examination(**settings.evaluation.model_dump()),
    )


def in_words(used: Parameters, chosen: Training) -> Iterator[str]:
    """The lines that a person reads before training starts; a setting that was changed names its own value."""
    plan = used.schedule
    yield (
        f"{plan.updates} updates: {plan.updates / plan.per_epoch:g} epochs of {plan.per_epoch}, "
        f"{used.batch_size * used.accumulation} rows each"
        + (f" in {used.accumulation} batches" if used.accumulation > 1 else "")
    )
    yield (
        f"learning rate {plan.learning_rate:g} with {_was(plan.warmup, chosen.warmup_steps)} updates of warm-up; "
        f"evaluation every {_was(plan.eval_every, chosen.eval_steps)} and at the end; "
        f"saved every {_was(plan.save_every, chosen.save_steps)} and after each evaluation"
    )
    what = "all weights" if used.method == "full" else f"{used.method} rank {used.rank}, alpha {used.alpha:g}"
    yield (
        f"{what} of the last {used.layers} layers; {used.dtype}, seed {used.seed}"
        + (", rows packed" if used.packing else "")
        + (", gradient checkpointing" if used.gradient_checkpointing else "")
    )


def _was(used: int, said: int) -> str:
    return str(used) if used == said else f"{used} (set: {said})"
