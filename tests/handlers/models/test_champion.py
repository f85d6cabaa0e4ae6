"""The champion is a pointer: promoted and rolled back in one step, with all that happened kept."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from handlers.models.champion import POINTER, champion, promote, read_pointer, refuse, roll_back
from handlers.models.metadata import Metadata
from tests.handlers.models.made import metadata
from watcher.errors import BadInput


@dataclass
class Noon:
    """A clock that stands still at a known time."""

    def now(self) -> float:
        return 1_767_225_600.0

    def elapsed(self) -> float:
        return 0.0

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.is_set()


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Metadata]:
    made = {}
    for name in ("demo-v1", "demo-v2"):
        (tmp_path / name).mkdir()
        made[name] = metadata(name)
    return made


def test_there_is_none_at_first(tmp_path: Path) -> None:
    assert champion(tmp_path) is None
    with pytest.raises(BadInput, match="no champion"):
        roll_back(tmp_path, Noon())


def test_promote_and_roll_back(tmp_path: Path, folders: dict[str, Metadata]) -> None:
    for name, each in folders.items():
        promote(tmp_path, tmp_path / name, each, ("better",), Noon())
    used = champion(tmp_path)
    assert used is not None
    assert (used.name, used.path, used.weights) == ("demo-v2", str(tmp_path / "demo-v2"), folders["demo-v2"].weights)
    back = roll_back(tmp_path, Noon())
    assert back is not None
    assert champion(tmp_path) == back
    assert back.name == "demo-v1"
    assert roll_back(tmp_path, Noon()) is None
    assert champion(tmp_path) is None
    assert [(each.action, each.name, each.reasons) for each in read_pointer(tmp_path).history] == [
        ("promoted", "demo-v1", ("better",)),
        ("promoted", "demo-v2", ("better",)),
        ("rolled back", "demo-v1", ("from demo-v2",)),
        ("rolled back", "none", ("from demo-v1",)),
    ]


def test_promoting_the_champion_again_changes_nothing(tmp_path: Path, folders: dict[str, Metadata]) -> None:
    for _ in range(2):
        promote(tmp_path, tmp_path / "demo-v1", folders["demo-v1"], (), Noon())
    assert len(read_pointer(tmp_path).line) == len(read_pointer(tmp_path).history) == 1


def test_a_refusal_leaves_the_champion(tmp_path: Path, folders: dict[str, Metadata]) -> None:
    promote(tmp_path, tmp_path / "demo-v1", folders["demo-v1"], (), Noon())
    refuse(tmp_path, "demo-v2", ("its loss is higher",), Noon())
    used = champion(tmp_path)
    assert used is not None
    assert used.name == "demo-v1"
    assert read_pointer(tmp_path).history[-1].reasons == ("its loss is higher",)
    assert read_pointer(tmp_path).history[-1].at == "2026-01-01T00:00:00.000Z"


def test_no_rolling_back_to_a_model_that_is_gone(tmp_path: Path, folders: dict[str, Metadata]) -> None:
    for name, each in folders.items():
        promote(tmp_path, tmp_path / name, each, (), Noon())
    (tmp_path / "demo-v1").rmdir()
    with pytest.raises(BadInput, match="not there any more"):
        roll_back(tmp_path, Noon())
    used = champion(tmp_path)
    assert used is not None
    assert used.name == "demo-v2"


def test_a_damaged_pointer_is_an_error_not_no_champion(tmp_path: Path, folders: dict[str, Metadata]) -> None:
    promote(tmp_path, tmp_path / "demo-v1", folders["demo-v1"], (), Noon())
    (tmp_path / POINTER).write_text('{"line": 3}')
    with pytest.raises(BadInput, match=r"champion\.json"):
        champion(tmp_path)


def test_the_pointer_is_plain_json(tmp_path: Path, folders: dict[str, Metadata]) -> None:
    promote(tmp_path, tmp_path / "demo-v1", folders["demo-v1"], (), Noon())
    assert msgspec.json.decode((tmp_path / POINTER).read_bytes())["line"][0]["name"] == "demo-v1"
