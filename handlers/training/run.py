"""One training: from rows and a base to an adapter, its curve and its losses. Imports MLX: own process only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlx.core as mx
import msgspec

from config.settings import Settings
from handlers.evaluation.measure import evaluate_model
from handlers.evaluation.record import Evaluations
from handlers.evaluation.verdict import compare
from handlers.models.base import Base
from handlers.models.device import settle_device
from handlers.models.finish import ADAPTERS, Result, Wish
from handlers.models.metadata import Clock
from handlers.records import Record
from handlers.training import VERSION
from handlers.training.adapters import attach, load_base, save_adapter, trainable
from handlers.training.checkpoints import Checkpoints, State, forget_finished
from handlers.training.comfort import Keeper
from handlers.training.continual import ROWS, Start, load_start, write_rows
from handlers.training.course import Course
from handlers.training.curve import draw_losses
from handlers.training.deliver import check_name, deliver
from handlers.training.encode import Encoded, encode_rows
from handlers.training.fit import GIGA, device_memory, estimate, refuse_what_does_not_fit
from handlers.training.loop import Loop
from handlers.training.loss import reach_of, takes_packed_rows
from handlers.training.optimizer import GuardedAdamW
from handlers.training.parameters import in_words, layout_of, parameters_of
from handlers.training.progress import end_progress, write_progress
from handlers.training.records import DatasetFacts, Parameters, Trained
from handlers.training.rows import Sides
from watcher.clock import SYSTEM, stamp
from watcher.errors import BadInput
from watcher.stage import Attempt, Outcome


@dataclass(frozen=True, slots=True)
class Given:
    """All that a training is made of."""

    base: Base
    start: Start | None  # the champion, where training goes on from it
    sides: Sides
    settings: Settings
    wish: Wish
    root: Path  # the workspace
    workspace: Path  # for checkpoints and logs
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Prepared:
    """The model, ready to be trained, and the rows as its tokens."""

    model: Any
    train: Encoded
    valid: Encoded
    test: Encoded  # often without rows
    used: Parameters
    start: State  # of the last checkpoint, or before the first update


def train(given: Given, out: Path) -> Outcome:
    """Trains, or goes on training, and writes the job's files to `out`."""
    settle_device()
    check_name(given.wish, given.attempt.key)
    started, began = stamp(SYSTEM.now()), SYSTEM.elapsed()
    forget_finished(given.workspace.parent, given.root / "outbox" / "training")
    checkpoints = Checkpoints(given.workspace / "checkpoints")
    prepared = _prepare(given, checkpoints)
    for line in in_words(prepared.used, given.settings.fine_tuning.training):
        given.attempt.say(line)
    if not prepared.start.done:
        _refuse_early(given, prepared)
    try:
        state = _course(given, prepared, checkpoints).run(frugal=given.settings.fine_tuning.mlx.memory_efficient)
    finally:
        end_progress(given.root)
    weights, chosen = checkpoints.weights(state.best_update), given.settings.fine_tuning.training
    trained, evaluations = _trained(given, prepared, state), _evaluations(prepared, state, weights, chosen.batch_size)
    save_adapter(out / ADAPTERS, weights, chosen, prepared.used.layers, prepared.used.modules)
    write_rows(out / ROWS, given.sides.train, given.start)
    draw_losses(trained, out / "loss.png")
    _write(out / "training.json", trained)
    _write(out / "evaluation.json", evaluations)
    clock = Clock(
        started=started,
        finished=stamp(SYSTEM.now()),
        seconds=round(state.seconds, 3),
        peak_memory=mx.get_peak_memory(),
    )
    result = Result(trained, clock, given.base, out / ADAPTERS, evaluations)
    verdict = deliver(result, given.wish, out, given.sides, given.settings, given.root)
    for reason in verdict.reasons:
        given.attempt.say(f"{'promoted' if verdict.promoted else 'not promoted'}: {reason}")
    return Outcome(
        counts=_counts(trained, evaluations),
        warnings=(*given.sides.warnings, *_window_warnings(prepared)),
        clock={
            "training_seconds": clock.seconds,
            "attempt_seconds": round(SYSTEM.elapsed() - began, 3),
            "tokens_per_second": round(state.completion_tokens / max(state.stepping, 1e-9), 1),
            "peak_memory": clock.peak_memory,
        },
    )


def _prepare(given: Given, checkpoints: Checkpoints) -> Prepared:
    settings = given.settings.fine_tuning
    chosen = settings.training
    model, tokenizer = load_base(given.base.path)
    train_rows = encode_rows(given.sides.train, tokenizer, chosen.max_seq_length)
    valid_rows = encode_rows(given.sides.valid, tokenizer, chosen.max_seq_length)
    test_rows = encode_rows(given.sides.test, tokenizer, chosen.max_seq_length)
    for name, side in (("train", train_rows), ("valid", valid_rows)):
        if not side.rows:
            raise BadInput(
                f"no {name} row fits into {chosen.max_seq_length} tokens", "raise fine_tuning.training.max_seq_length"
            )
    state = checkpoints.last(_versions()) or _before(model, valid_rows, test_rows, chosen.batch_size)
    layers, modules = attach(model, chosen)
    if given.start is not None and not state.done:
        load_start(model, given.start)
        state = msgspec.structs.replace(state, best=evaluate_model(model, valid_rows, chosen.batch_size))
    packing = chosen.packing and takes_packed_rows(model)
    dtype = str(model.model.norm.weight.dtype).removeprefix("mlx.core.")
    used = parameters_of(settings, len(train_rows.rows), layers, modules, packing, dtype)
    return Prepared(model, train_rows, valid_rows, test_rows, used, state)


def _refuse_early(given: Given, prepared: Prepared) -> None:
    settings, used = given.settings.fine_tuning, prepared.used
    layout = layout_of(settings.training, used.packing, reach_of(prepared.model))
    limit = int(settings.max_memory_gb * GIGA) or device_memory()
    fit = estimate(prepared.model, prepared.train.rows, layout, used, limit)
    given.attempt.say(str(fit))
    refuse_what_does_not_fit(fit, used, settings)
    mx.clear_cache()
    mx.reset_peak_memory()


def _before(model: Any, valid: Encoded, test: Encoded, batch_size: int) -> State:
    measured = evaluate_model(model, valid, batch_size)
    tested = evaluate_model(model, test, batch_size) if test.rows else None
    return State(made_by=_versions(), base=measured, best=measured, base_test=tested)


def _evaluations(prepared: Prepared, state: State, weights: dict[str, mx.array], batch_size: int) -> Evaluations:
    """The frozen side is looked at once, with the `weights` that were chosen without it."""
    test = None
    if state.base_test is not None:
        prepared.model.load_weights(list(weights.items()), strict=False)
        test = compare(state.base_test, evaluate_model(prepared.model, prepared.test, batch_size))
    chosen = compare(state.base, state.best)
    return Evaluations(base=chosen.base, tuned=chosen.tuned, difference=chosen.difference, test=test)


def _course(given: Given, prepared: Prepared, checkpoints: Checkpoints) -> Course:
    used = prepared.used
    layout = layout_of(given.settings.fine_tuning.training, used.packing, reach_of(prepared.model))
    optimizer = GuardedAdamW(used.schedule, used.clip_norm)
    loop = Loop(prepared.model, optimizer, prepared.train.rows, layout)
    keeper = Keeper(given.settings.fine_tuning.comfort)
    show = partial(write_progress, given.root)
    return Course(loop, prepared.valid, used, checkpoints, given.attempt, prepared.start, keeper, show)


def _trained(given: Given, prepared: Prepared, state: State) -> Trained:
    train_rows, valid_rows = prepared.train, prepared.valid
    return Trained(
        key=given.attempt.key,
        base=given.base.name,
        base_revision=given.base.revision,
        embedded=given.base.embedded,
        started_from=given.start.weights if given.start else None,
        dataset=DatasetFacts(
            digest=given.sides.digest,
            train=len(train_rows.rows),
            valid=len(valid_rows.rows),
            valid_share=given.sides.valid_share,
            test=len(prepared.test.rows),
            test_digest=given.sides.test_digest,
            train_tokens=train_rows.tokens,
            train_completion_tokens=train_rows.completion_tokens,
            valid_completion_tokens=valid_rows.completion_tokens,
            cut=len(train_rows.cut) + len(valid_rows.cut),
            left_out=len(train_rows.left_out) + len(valid_rows.left_out),
            generation=max(given.sides.generation, given.start.generation if given.start else 0),
        ),
        parameters=prepared.used,
        updates=state.done,
        best_update=state.best_update,
        completion_tokens=state.completion_tokens,
        trainable=sum(each.size for each in trainable(prepared.model).values()),
        train_losses=state.train_losses,
        valid_losses=state.valid_losses,
        mlx=version("mlx"),
        mlx_lm=version("mlx-lm"),
    )


def _counts(trained: Trained, evaluations: Evaluations) -> dict[str, int | float | str]:
    test = evaluations.test
    tested = {"test_before": test.base.loss, "test_after": test.tuned.loss} if test else {}
    return {
        "train_rows": trained.dataset.train,
        "valid_rows": trained.dataset.valid,
        "updates": trained.updates,
        "best_update": trained.best_update,
        "loss_before": round(evaluations.base.loss, 6),
        "loss_after": round(evaluations.tuned.loss, 6),
        **{name: round(loss, 6) for name, loss in tested.items()},
    }


def _window_warnings(prepared: Prepared) -> list[str]:
    window, warnings = prepared.used.max_seq_length, []
    for name, side in (("train", prepared.train), ("valid", prepared.valid), ("test", prepared.test)):
        if side.cut:
            warnings.append(f"{name}: {_rows(side.cut)} cut to {window} tokens (max_seq_length)")
        if side.left_out:
            warnings.append(f"{name}: {_rows(side.left_out)} left out: the prompt alone has {window} tokens or more")
    return warnings


def _rows(numbers: Sequence[int], shown: int = 10) -> str:
    listed = ", ".join(map(str, numbers[:shown])) + (", …" if len(numbers) > shown else "")
    return f"{len(numbers)} rows ({listed})"


def _versions() -> str:
    return f"scantune training {VERSION}, mlx {version('mlx')}, mlx-lm {version('mlx-lm')}"


def _write(file: Path, record: Record) -> None:
    file.write_bytes(msgspec.json.format(msgspec.json.encode(record, order="deterministic"), indent=1) + b"\n")
