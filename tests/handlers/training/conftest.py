"""Small rows, a tiny base, and a workspace that knows it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.settings import Settings, load
from handlers.dataset.rows import Example, Message
from handlers.knowledge.catalogue import Catalogue, open_catalogue

WORDS = ("input", "query", "escape", "attacker", "code", "update", "package", "version", "fixed", "severity", "path")


BRIEF = {"answered_rows": 1, "answer_tokens": 4}
"""Examinations have tests of their own."""
AT_EASE = {"pause_on_battery": False, "pause_when_hot": False, "min_free_gb": 0}
"""Trainings of tests go on whatever the machine is short of."""


def make_examples(count: int, seed: int = 1, longest: int = 24) -> list[Example]:
    """Rows of mixed lengths whose answers follow a simple rule, so that training shows."""
    drawn = random.Random(seed)
    return [_example(drawn, number, longest) for number in range(count)]


def _example(drawn: random.Random, number: int, longest: int) -> Example:
    asked = " ".join(drawn.choices(WORDS, k=drawn.randint(2, longest // 2)))
    answered = " ".join(WORDS[(number + each) % len(WORDS)] for each in range(drawn.randint(2, longest)))
    return Example(messages=(Message(role="user", content=asked), Message(role="assistant", content=answered)))


def write_rows(file: Path, examples: list[Example]) -> None:
    file.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in examples))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests here train: on a machine with ten times as much to do they still end, and what hangs is still ended."""
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(autouse=True)
def own_accelerator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The accelerator's lock is one per user; these trainings do not wait for those of somebody else."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return open_catalogue(tmp_path_factory.mktemp("catalogue"))


@pytest.fixture(autouse=True)
def one_catalogue(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue of weaknesses is made once for all workspaces: it takes longer than a training here."""
    monkeypatch.setattr("handlers.models.contest.open_catalogue", lambda root: catalogue)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A folder with 11 train and 4 valid rows."""
    folder = tmp_path / "dataset"
    folder.mkdir()
    examples = make_examples(15)
    write_rows(folder / "train.jsonl", examples[:11])
    write_rows(folder / "valid.jsonl", examples[11:])
    return folder


Settled = Callable[..., Settings]


@pytest.fixture
def settled(tmp_path: Path, tiny_model: Path) -> Settled:
    """Settings for quick trainings of the tiny base; keywords go to `fine_tuning.training`."""

    def make(mlx: Mapping[str, Any] = {}, comfort: Mapping[str, Any] = AT_EASE, **training: Any) -> Settings:
        chosen = {"learning_rate": 5e-3, "batch_size": 4, "max_epochs": 2, "lora_rank": 4, **training}
        evaluation = {"answered_rows": 2, "answer_tokens": 8}
        below = {"gradient_checkpointing": False, **mlx}
        return load(
            None,
            {
                "default_base_model": str(tiny_model),
                "fine_tuned_models_dir": str(tmp_path / "models"),
                "fine_tuning": {"training": chosen, "mlx": below, "evaluation": evaluation, "comfort": comfort},
            },
        )

    return make
