"""`scantune train`, as a person types it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from handlers.cli.main import main
from handlers.models.metadata import read_metadata
from handlers.training.records import Examination
from tests.handlers.training.conftest import AT_EASE, BRIEF, make_examples, write_rows

TRAINING = {"learning_rate": 5e-3, "max_epochs": 1, "lora_rank": 4, "layers": 1}


@pytest.fixture
def workspace(tmp_path: Path, tiny_model: Path) -> Path:
    """A workspace whose default base is the tiny one."""
    root = tmp_path / "workspace"
    (root / "config").mkdir(parents=True)
    settings = {
        "default_base_model": str(tiny_model),
        "fine_tuned_models_dir": str(root / "models"),
        "fine_tuning": {
            "training": TRAINING,
            "mlx": {"gradient_checkpointing": False},
            "evaluation": BRIEF,
            "comfort": AT_EASE,
        },
    }
    (root / "config" / "scantune.yaml").write_text(yaml.safe_dump(settings))
    return root


def scantune(root: Path, *words: object) -> int:
    return main(["--workspace", str(root), *map(str, words)])


def files(folder: Path) -> Sequence[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_file_of_rows_becomes_a_named_model_and_a_publication(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.jsonl"
    write_rows(rows, make_examples(6))
    assert scantune(workspace, "train", "--dataset", rows, "--output-name", "mine", "--upload") == 0
    out = capsys.readouterr().out
    assert f"trained: {workspace / 'models' / 'mine'}" in out
    assert {"config.json", "metadata.json", "README.md", "adapters/adapters.safetensors"} <= set(
        files(workspace / "models" / "mine")
    )
    assert "published: " in out
    assert any("metadata.json" in name for name in files(workspace / "publications"))


def test_a_training_that_was_done_is_not_done_again(
    workspace: Path, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scantune(workspace, "train", "--dataset", dataset) == 0
    assert "trained: " in capsys.readouterr().out
    assert scantune(workspace, "train", "--dataset", dataset) == 0
    assert "trained before: " in capsys.readouterr().out
    assert sorted(each.name for each in (workspace / "models").glob("[!.]*")) == ["webauthn-security-v1"]


def test_a_name_that_is_taken_is_refused_before_training(
    workspace: Path, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "models" / "taken").mkdir(parents=True)
    assert scantune(workspace, "train", "--dataset", dataset, "--output-name", "taken") == 1
    said = capsys.readouterr().err
    assert "taken is there already" in said
    assert "updates" not in said


def test_a_missing_dataset_is_named(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert scantune(workspace, "train", "--dataset", "nowhere.jsonl") == 1
    assert "nowhere.jsonl: there is no such file" in capsys.readouterr().err


def test_metadata_is_enough_to_train_once_more(
    workspace: Path, dataset: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "state" / "models").mkdir(parents=True)
    (workspace / "state" / "models" / "tiny").symlink_to(tiny_model)
    assert scantune(workspace, "train", "--dataset", dataset, "--base-model", "tiny") == 0
    made = workspace / "models" / "webauthn-security-v1"
    settings = workspace / "config" / "scantune.yaml"
    changed = yaml.safe_load(settings.read_text())
    changed["fine_tuning"]["training"] = {"learning_rate": 1e-4, "max_epochs": 7, "seed": 5}
    settings.write_text(yaml.safe_dump(changed))
    capsys.readouterr()
    assert scantune(workspace, "train", "--from", made / "metadata.json", "--dataset", dataset) == 0
    assert "the same as those of webauthn-security-v1" in capsys.readouterr().out


def test_metadata_tells_how_rows_were_drawn_and_models_examined(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The base lies where only the settings and `--base-model` say."""
    rows, settings = tmp_path / "rows.jsonl", workspace / "config" / "scantune.yaml"
    write_rows(rows, make_examples(12))
    plain = yaml.safe_load(settings.read_text())
    settings.write_text(yaml.safe_dump({**plain, "dataset": {"valid_share": 0.4}}))
    assert scantune(workspace, "train", "--dataset", rows, "--output-name", "first") == 0
    first = read_metadata(workspace / "models" / "first")
    assert first.dataset.valid_share == 0.4
    assert first.parameters.examination == Examination(**BRIEF, max_forgetting=0.1)
    assert "40 % of its rows" in (workspace / "models" / "first" / "README.md").read_text()
    changed = {**plain, "fine_tuning": {**plain["fine_tuning"], "evaluation": {}}, "default_base_model": "other"}
    settings.write_text(yaml.safe_dump(changed))
    again = ("train", "--from", workspace / "models" / "first", "--dataset", rows, "--output-name", "second")
    assert scantune(workspace, *again) == 1
    assert "name it with --base-model" in capsys.readouterr().err
    assert scantune(workspace, *again, "--base-model", plain["default_base_model"]) == 0
    assert "the same as those of first" in capsys.readouterr().out
    second = read_metadata(workspace / "models" / "second")
    assert (second.dataset, second.parameters) == (first.dataset, first.parameters)


def test_once_more_wants_the_same_base_and_test_rows(
    workspace: Path, dataset: Path, tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rows(dataset / "test.jsonl", make_examples(3, seed=5))
    assert scantune(workspace, "train", "--dataset", dataset, "--output-name", "first") == 0
    again = ("train", "--from", workspace / "models" / "first", "--dataset", dataset, "--output-name", "second")
    other = Path(shutil.copytree(tiny_model, tmp_path / "other"))
    (other / "tokenizer_config.json").write_text("{}")
    assert scantune(workspace, *again, "--base-model", other) == 1
    assert f"{other} is not the base that first was trained on" in capsys.readouterr().err
    write_rows(dataset / "test.jsonl", make_examples(3, seed=6))
    assert scantune(workspace, *again) == 1
    assert "other test rows than first was measured on" in capsys.readouterr().err


def test_a_model_that_went_on_from_a_champion_is_trained_once_more_from_that_one(
    workspace: Path, dataset: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "state" / "models").mkdir(parents=True)
    (workspace / "state" / "models" / "tiny").symlink_to(tiny_model)
    settings = workspace / "config" / "scantune.yaml"
    plain = settings.read_text()
    training = {**TRAINING, "start": "champion", "replay_share": 0.5}
    goes_on = yaml.safe_dump({**yaml.safe_load(plain), "fine_tuning": {**_below(plain), "training": training}})
    assert scantune(workspace, "train", "--dataset", dataset, "--base-model", "tiny", "--output-name", "first") == 0
    assert scantune(workspace, "models", "promote", "first") == 0
    write_rows(dataset / "train.jsonl", make_examples(11) + make_examples(5, seed=3))
    settings.write_text(goes_on)
    assert scantune(workspace, "train", "--dataset", dataset, "--base-model", "tiny", "--output-name", "second") == 0
    settings.write_text(plain)
    again = ("train", "--from", workspace / "models" / "second", "--dataset", dataset, "--output-name", "third")
    assert scantune(workspace, "models", "promote", "second") == 0
    assert scantune(workspace, *again) == 1
    assert "another champion than the one in use" in capsys.readouterr().err
    assert scantune(workspace, "models", "promote", "first") == 0
    assert scantune(workspace, *again) == 0
    assert "the same as those of second" in capsys.readouterr().out


def _below(settings: str) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(settings)["fine_tuning"]
    return found


def test_once_more_wants_the_same_rows(workspace: Path, dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert scantune(workspace, "train", "--dataset", dataset, "--output-name", "first") == 0
    assert scantune(workspace, "train", "--from", workspace / "models" / "first") == 1
    assert "name them with --dataset" in capsys.readouterr().err


def test_without_a_dataset_it_is_wrong_usage(workspace: Path) -> None:
    assert scantune(workspace, "train") == 2
