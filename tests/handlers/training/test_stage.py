"""A training as the engine runs it: through `execute`, on the tiny base."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from handlers.training import stage
from tests.handlers.training.conftest import Settled, make_examples, write_rows
from watcher.errors import BadInput, Unavailable
from watcher.execute import execute
from watcher.workspace import Workspace


def test_a_training_lowers_the_loss_and_says_with_what(tmp_path: Path, dataset: Path, settled: Settled) -> None:
    said: list[str] = []
    done = execute(Workspace(tmp_path), stage(settled(max_epochs=4), tmp_path), [dataset], say=said.append)
    report = json.loads((done.folder / "training.json").read_bytes())
    losses = json.loads((done.folder / "evaluation.json").read_bytes())
    assert losses["tuned"]["loss"] < losses["base"]["loss"]
    assert losses["base"]["rows"] == losses["tuned"]["rows"] == 4
    assert losses["difference"]["value"] == pytest.approx(losses["tuned"]["loss"] - losses["base"]["loss"])
    assert losses["test"] is None  # this dataset has no frozen side
    assert "test" not in "".join(done.receipt.counts)
    assert report["updates"] == 12  # 11 rows by 4: three updates an epoch, the tail among them
    assert [point["update"] for point in report["valid_losses"]] == [0, 3, 6, 9, 12]
    assert losses["base"]["loss"] == report["valid_losses"][0]["loss"]
    assert report["parameters"]["schedule"]["warmup"] == 0
    assert any("0 (set: 100) updates of warm-up" in line for line in said)
    assert (done.folder / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert done.receipt.counts["train_rows"] == 11


def test_the_adapter_is_one_that_mlx_lm_loads(
    tmp_path: Path, dataset: Path, settled: Settled, tiny_model: Path
) -> None:
    from handlers.dataset.rows import load_rows
    from handlers.evaluation.measure import evaluate

    done = execute(Workspace(tmp_path), stage(settled(), tmp_path), [dataset])
    rows = load_rows(dataset / "valid.jsonl").examples
    again = evaluate(tiny_model, done.folder / "adapters", rows, 1024, 4)
    said = json.loads((done.folder / "evaluation.json").read_bytes())["tuned"]
    assert again.loss == pytest.approx(said["loss"], rel=1e-6)


@pytest.mark.parametrize(("method", "bits"), [("dora", None), ("full", None), ("lora", 4)])
def test_each_method_goes_the_whole_way(
    tmp_path: Path, dataset: Path, settled: Settled, tiny_model: Path, method: str, bits: int | None
) -> None:
    """Trained, fused and opened again: the finished model has the loss that was measured on base and adapter."""
    from handlers.dataset.rows import load_rows
    from handlers.evaluation.measure import evaluate
    from handlers.models.convert import convert

    base = tiny_model
    if bits is not None:
        base = tmp_path / "base"
        base.mkdir()
        convert(Path(shutil.copytree(tiny_model, tmp_path / "source")), base, bits)
    settings = settled(method=method, learning_rate=1e-3 if method == "full" else 5e-3)
    done = execute(Workspace(tmp_path), stage(settings, tmp_path, base_model=str(base)), [dataset])
    told = json.loads((done.folder / "evaluation.json").read_bytes())
    assert told["tuned"]["loss"] < told["base"]["loss"]
    rows = load_rows(dataset / "valid.jsonl").examples
    name = json.loads((done.folder / "model.json").read_bytes())["name"]
    assert evaluate(tmp_path / "models" / name, None, rows, 1024).loss == pytest.approx(told["tuned"]["loss"], rel=1e-4)


def test_two_workspaces_make_the_same_bytes(tmp_path: Path, dataset: Path, settled: Settled) -> None:
    receipts = [
        execute(Workspace(tmp_path / name), stage(settled(lora_dropout=0.1), tmp_path / name), [dataset]).receipt
        for name in ("one", "two")
    ]
    assert receipts[0].outputs == receipts[1].outputs
    assert receipts[0].counts == receipts[1].counts


def test_checkpoints_of_a_finished_training_are_dropped_when_the_next_one_begins(
    tmp_path: Path, dataset: Path, settled: Settled
) -> None:
    places = tmp_path / "state" / "training"
    (places / ("ab" * 8)).mkdir(parents=True)  # of a training that is not done
    keys = []
    for seed in (1, 2):
        done = execute(Workspace(tmp_path), stage(settled(max_epochs=1, seed=seed), tmp_path), [dataset])
        keys.append(done.receipt.key[:16])
        assert (places / keys[-1]).is_dir()
    assert sorted(each.name for each in places.iterdir()) == sorted(["ab" * 8, keys[1]])


def test_a_set_smaller_than_a_batch_is_trained(tmp_path: Path, settled: Settled) -> None:
    file = tmp_path / "rows.jsonl"
    write_rows(file, make_examples(3))
    file.write_bytes(file.read_bytes() + b"no row\n")
    done = execute(Workspace(tmp_path), stage(settled(batch_size=8), tmp_path), [file])
    assert done.receipt.counts["train_rows"] == 2
    assert done.receipt.counts["valid_rows"] == 1
    assert done.receipt.counts["updates"] == 2
    assert [line for line in done.receipt.warnings if line.startswith("the file of rows: line 4 is no row")]


def test_rows_that_do_not_fit_are_named(tmp_path: Path, dataset: Path, settled: Settled) -> None:
    done = execute(Workspace(tmp_path), stage(settled(max_seq_length=40, max_epochs=1), tmp_path), [dataset])
    assert any("max_seq_length" in line for line in done.receipt.warnings)
    report = json.loads((done.folder / "training.json").read_bytes())["dataset"]
    assert report["train"] + report["valid"] + report["left_out"] == 15


def test_a_dataset_without_rows_is_bad_input(tmp_path: Path, dataset: Path, settled: Settled) -> None:
    (dataset / "valid.jsonl").write_bytes(b"{}\n")
    with pytest.raises(BadInput, match="the dataset has no rows to validate with"):
        execute(Workspace(tmp_path), stage(settled(), tmp_path), [dataset])


def test_a_missing_base_names_the_command(tmp_path: Path, dataset: Path, settled: Settled) -> None:
    with pytest.raises(Unavailable, match="scantune models"):
        execute(Workspace(tmp_path), stage(settled(), tmp_path, base_model="nowhere"), [dataset])


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("tokenizer.json", None, "can't load"),
        ("tokenizer_config.json", None, "has no chat template"),
        ("model.safetensors", b"", "can't load"),
        ("config.json", b'{"model_type": "nonsense"}', "nonsense not supported"),
    ],
)
def test_a_damaged_base_is_named(
    tmp_path: Path, dataset: Path, settled: Settled, tiny_model: Path, file: str, content: bytes | None, said: str
) -> None:
    """Not the rows are at fault, so that they wait for another base."""
    base = Path(shutil.copytree(tiny_model, tmp_path / "base"))
    if content is None:
        (base / file).unlink()
    else:
        (base / file).write_bytes(content)
    with pytest.raises(Unavailable, match=said) as refused:
        execute(Workspace(tmp_path), stage(settled(), tmp_path, base_model=str(base)), [dataset])
    assert str(base) in refused.value.reason
    assert len(refused.value.reason.splitlines()) == 1


def test_without_mlx_it_says_what_to_install(
    tmp_path: Path, dataset: Path, settled: Settled, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.split(".")[0] in ("mlx", "mlx_lm")]:
        monkeypatch.setitem(sys.modules, module, None)
    for name in ("mlx", "mlx.core", "mlx_lm"):
        monkeypatch.setitem(sys.modules, name, None)
    for module in [name for name in sys.modules if name.startswith("handlers.training.")]:
        monkeypatch.delitem(sys.modules, module)
    with pytest.raises(Unavailable, match="pip install"):
        execute(Workspace(tmp_path), stage(settled(), tmp_path), [dataset])


def test_the_base_s_revision_and_every_training_setting_are_part_of_the_key(
    tmp_path: Path, settled: Settled, tiny_model: Path
) -> None:
    plain = stage(settled(), tmp_path).settings()
    assert len(str(plain["base_revision"])) == 64
    assert plain != stage(settled(clip_norm=2.0), tmp_path).settings()
    assert plain != stage(settled(), tmp_path, output_name="other").settings()
    assert stage(settled(), tmp_path, base_model="nowhere").settings()["base_revision"] == ""
