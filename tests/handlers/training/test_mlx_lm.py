"""What the installed mlx-lm does that we step around, and that we do step around it.

A test of the first kind that fails after an update of mlx-lm says that one of our workarounds may go.
"""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import mlx.core as mx
import mlx.nn as nn
import msgspec
import numpy as np
import pytest
from mlx.utils import tree_flatten
from mlx_lm import load
from mlx_lm.models import olmo2
from mlx_lm.tuner.datasets import CacheDataset, create_dataset
from mlx_lm.tuner.trainer import default_loss, grad_checkpoint, iterate_batches
from mlx_lm.tuner.utils import linear_to_lora_layers

from config.settings import Training
from handlers.dataset.rows import Example, Message
from handlers.training import stage
from handlers.training.adapters import attach, load_base, trainable
from handlers.training.batches import Layout, make_batch
from handlers.training.encode import Row, encode_rows
from handlers.training.loop import Loop
from handlers.training.loss import arrays, completion_loss
from handlers.training.optimizer import GuardedAdamW, learning_rates
from handlers.training.records import Schedule
from tests.handlers.training.conftest import Settled, make_examples, write_rows
from tests.handlers.training.test_batches import rows_of
from watcher.errors import BadInput, Unavailable
from watcher.execute import execute
from watcher.workspace import Workspace

SHAPE = {
    "model_type": "olmo2",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "intermediate_size": 64,
    "num_attention_heads": 2,
    "rms_norm_eps": 1e-6,
    "vocab_size": 64,
    "tie_word_embeddings": False,
}


def small_model(seed: int = 3) -> olmo2.Model:
    mx.random.seed(seed)
    model = olmo2.Model(olmo2.ModelArgs.from_dict(SHAPE))
    mx.eval(model.parameters())
    return model


def plan(updates: int, warmup: int = 0) -> Schedule:
    return Schedule(
        learning_rate=1e-2, updates=updates, per_epoch=updates, warmup=warmup, eval_every=updates, save_every=updates
    )


def as_mlx_lm(examples: list[Example], model: Path) -> CacheDataset:
    rows = [{"messages": [{"role": m.role, "content": m.content} for m in each.messages]} for each in examples]
    return CacheDataset(create_dataset(rows, load(str(model))[1], SimpleNamespace(mask_prompt=True)))


def test_mlx_lm_takes_every_row_for_equally_long(tiny_model: Path) -> None:
    data = as_mlx_lm(make_examples(5), tiny_model)
    assert {data.itemlen(index) for index in range(5)} == {1}
    assert len({len(data[index][0]) for index in range(5)}) > 1


def test_mlx_lm_drops_the_tail_and_refuses_small_sets(tiny_model: Path) -> None:
    data = as_mlx_lm(make_examples(9), tiny_model)
    assert len(list(iterate_batches(data, 2, 512))) == 4
    with pytest.raises(ValueError, match="at least batch_size"):
        next(iterate_batches(data, 10, 512))


def test_mlx_lm_learns_a_pad_token_and_we_do_not(tiny_model: Path) -> None:
    examples = make_examples(2)
    model, tokenizer = load(str(tiny_model))
    rows = encode_rows(examples, tokenizer, 512).rows
    theirs = next(iterate_batches(as_mlx_lm(examples, tiny_model), 2, 512))
    counted = default_loss(model, *theirs)[1].item()
    ours = completion_loss(model, *arrays(make_batch(rows, False, 1.0)))[1].item()
    assert ours == sum(row.completion for row in rows)
    assert counted == ours + 2


def test_the_loss_is_the_one_of_whole_logits(tiny_model: Path) -> None:
    model, tokenizer = load(str(tiny_model))
    for row in encode_rows(make_examples(3), tokenizer, 512).rows:
        logits = model(mx.array([row.tokens[:-1]]))[0, row.start - 1 :]
        expected = nn.losses.cross_entropy(logits, mx.array(row.tokens[row.start :]), reduction="mean")
        loss, count = completion_loss(model, *arrays(make_batch([row], False, float(row.completion))))
        assert count.item() == row.completion
        assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_packed_rows_do_not_see_each_other(tiny_model: Path, checkpointing: bool) -> None:
    model, tokenizer = load(str(tiny_model))
    rows = encode_rows(make_examples(7), tokenizer, 512).rows
    attach(model, Training(lora_rank=2, lora_alpha=2.0))
    grown = [(name, mx.random.normal(each.shape) * 0.1) for name, each in trainable(model).items()]
    model.load_weights(grown, strict=False)
    call = type(model.layers[0]).__call__
    if checkpointing:
        grad_checkpoint(model.layers[0])
    try:
        both = [
            nn.value_and_grad(model, completion_loss)(model, *arrays(make_batch(rows, how, 99.0)))
            for how in (True, False)
        ]
        mx.eval(both)
    finally:
        type(model.layers[0]).__call__ = call
    assert make_batch(rows, True, 99.0).segments is not None
    ((packed, _), packed_gradient), ((padded, _), padded_gradient) = both
    assert packed.item() == pytest.approx(padded.item(), rel=1e-5)
    for one, other in zip(flat(packed_gradient), flat(padded_gradient), strict=True):
        np.testing.assert_allclose(np.array(one), np.array(other), rtol=1e-3, atol=1e-6)


def flat(tree: object) -> list[mx.array]:
    return [value for _, value in tree_flatten(tree)]


def test_gradient_checkpointing_changes_no_result_and_leaves_the_class_as_it_was(
    tmp_path: Path, dataset: Path, settled: Settled
) -> None:
    call = olmo2.TransformerBlock.__call__
    plain = execute(Workspace(tmp_path / "a"), stage(settled(max_epochs=1), tmp_path / "a"), [dataset])
    settings = settled(mlx={"gradient_checkpointing": True}, max_epochs=1)
    saved = execute(Workspace(tmp_path / "b"), stage(settings, tmp_path / "b"), [dataset])
    assert olmo2.TransformerBlock.__call__ is call
    after = [json.loads((done.folder / "evaluation.json").read_bytes())["tuned"]["loss"] for done in (plain, saved)]
    assert after[0] == pytest.approx(after[1], rel=1e-4)


def test_a_gradient_that_is_not_finite_stops_before_the_update_and_names_the_rows(
    tmp_path: Path, settled: Settled, tiny_model: Path
) -> None:
    base, word = tmp_path / "base", "Ω"
    shutil.copytree(tiny_model, base)
    weights = mx.load(str(base / "model.safetensors"))
    for token in load(str(tiny_model))[1].encode(word, add_special_tokens=False):
        weights["model.embed_tokens.weight"][token] = float("nan")
    mx.save_safetensors(str(base / "model.safetensors"), weights, metadata={"format": "mlx"})
    examples = make_examples(6)
    poisoned = Example(messages=(Message(role="user", content=word), Message(role="assistant", content="no")))
    folder = tmp_path / "data"
    folder.mkdir()
    write_rows(folder / "train.jsonl", [*examples[:3], poisoned])
    write_rows(folder / "valid.jsonl", examples[3:])
    with pytest.raises(BadInput, match=r"not finite; its rows in train.jsonl: 4"):
        execute(Workspace(tmp_path), stage(settled(batch_size=1), tmp_path, base_model=str(base)), [folder])


def test_the_guard_leaves_weights_and_moments_as_they_were() -> None:
    model, optimizer = nn.Linear(2, 2), GuardedAdamW(plan(9), 1.0)
    good = {"weight": mx.ones((2, 2)), "bias": mx.ones(2)}
    optimizer.update(model, good)
    mx.eval(model.parameters(), optimizer.state)
    kept = [np.array(each) for each in (model.weight, optimizer.state["weight"]["m"], optimizer.state["weight"]["v"])]
    optimizer.update(model, {**good, "bias": mx.array([1.0, float("inf")])})
    optimizer.update(model, good)
    now = (model.weight, optimizer.state["weight"]["m"], optimizer.state["weight"]["v"])
    assert all((np.array(each) == was).all() for each, was in zip(now, kept, strict=True))
    assert not optimizer.state["finite"].item()


def test_gradients_are_clipped_to_their_norm() -> None:
    model, optimizer = nn.Linear(2, 1, bias=False), GuardedAdamW(plan(9), 1.0)
    optimizer.update(model, {"weight": mx.array([[30.0, 40.0]])})
    assert optimizer.state["norm"].item() == pytest.approx(50.0)
    np.testing.assert_allclose(np.array(optimizer.state["weight"]["m"]), [[0.06, 0.08]], rtol=1e-4)


def test_the_schedule_warms_up_from_a_step_that_counts_and_never_ends_at_zero_early() -> None:
    rate = learning_rates(plan(20, warmup=2))
    rates = [rate(mx.array(step)).item() for step in range(20)]
    assert rates[0] == pytest.approx(1e-2 / 3)
    assert max(rates) == rates[2] == pytest.approx(1e-2)
    assert all(one >= other for one, other in pairwise(rates[2:]))
    assert 0 < rates[-1] < 1e-3


def test_accumulated_batches_make_the_update_of_one_large_batch(tmp_path: Path) -> None:
    rows = encode_small(10)
    gentle = msgspec.structs.replace(plan(4), learning_rate=1e-3)  # large steps blow rounding up
    after = []
    for layout in (Layout(batch_size=8, packing=False), Layout(batch_size=2, accumulation=4, packing=False)):
        model = small_model()
        attach(model, Training(lora_rank=2))
        Loop(model, GuardedAdamW(gentle, 1.0), rows, layout).run(0, 4, lambda *_: True, scratch=tmp_path)
        after.append([np.array(each) for each in trainable(model).values()])
    for one, other in zip(*after, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-5)


def encode_small(count: int) -> list[Row]:
    rows = rows_of([(3, 4 + number % 5) for number in range(count)])
    return [msgspec.structs.replace(row, tokens=tuple(token % 64 for token in row.tokens)) for row in rows]


def test_mlx_lm_takes_zero_layers_for_all_and_wants_scale() -> None:
    model = small_model()
    model.freeze()
    linear_to_lora_layers(model, 0, {"rank": 2, "scale": 1.0, "dropout": 0.0})
    assert all("lora_a" in layer.mlp.up_proj for layer in model.layers)
    with pytest.raises(KeyError, match="scale"):
        linear_to_lora_layers(small_model(), 1, {"rank": 2, "alpha": 1.0, "dropout": 0.0})


@pytest.mark.parametrize(
    ("chosen", "inside"),
    [
        (Training(method="lora", layers=1), {"model.layers.1.mlp.up_proj.lora_a"}),
        (Training(method="dora"), {"model.layers.0.self_attn.q_proj.m"}),
        (Training(method="full", layers=1), {"model.layers.1.mlp.up_proj.weight"}),
        (Training(lora_modules=("q_proj", "lm_head")), {"lm_head.lora_a", "model.layers.0.self_attn.q_proj.lora_b"}),
    ],
)
def test_each_method_trains_what_it_says(chosen: Training, inside: set[str]) -> None:
    model = small_model()
    attach(model, chosen)
    names = set(trainable(model))
    assert inside <= names
    if chosen.layers == 1:
        assert not any(".layers.0." in name for name in names)
    if chosen.lora_modules:
        assert not any("mlp" in name for name in names)


def test_settings_that_do_not_fit_the_model_are_refused() -> None:
    with pytest.raises(Unavailable, match="no gate"):
        attach(small_model(), Training(lora_modules=("gate",)))
    quantised = small_model()
    nn.quantize(quantised, group_size=32, bits=3)
    with pytest.raises(Unavailable, match="in full"):
        attach(quantised, Training(method="full"))
    with pytest.raises(Unavailable, match="DoRA"):
        attach(quantised, Training(method="dora"))


@pytest.mark.parametrize("bits", [3, 4, 6, 8])
def test_lora_trains_on_a_quantised_base(bits: int, tmp_path: Path) -> None:
    model = small_model()
    nn.quantize(model, group_size=32, bits=bits)
    attach(model, Training(lora_rank=2))
    losses: list[float] = []

    def keep(done: int, loss: float, speed: float) -> bool:
        losses.append(loss)
        return True

    Loop(model, GuardedAdamW(plan(12), 1.0), encode_small(4), Layout(batch_size=4)).run(0, 12, keep, scratch=tmp_path)
    assert losses[-1] < losses[0]


def test_a_rotary_frequency_that_mlx_lm_would_miss_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(tiny_model, base)
    config = json.loads((base / "config.json").read_text())
    config["rope_parameters"] = {"rope_theta": config.pop("rope_theta")}
    (base / "config.json").write_text(json.dumps(config))
    assert load(str(base))[0].args.rope_theta == 10000
    with pytest.raises(Unavailable, match="rope_theta"):
        load_base(base)
