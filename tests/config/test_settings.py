"""The settings: defaults as documented, each one read somewhere, nothing unknown accepted in silence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Settings, SettingsError, load, names

CHECKOUT = Path(__file__).resolve().parents[2]
FILE = CHECKOUT / "config" / "scantune.yaml"


def leaves(content: dict[str, object], prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in content.items():
        dotted = f"{prefix}{key}"
        found |= leaves(value, f"{dotted}.") if isinstance(value, dict) else {dotted: value}
    return found


def value_of(settings: Settings, dotted: str) -> object:
    value: object = settings
    for part in dotted.split("."):
        value = getattr(value, part)
    return value


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCANTUNE_WORKSPACE", raising=False)


def test_file_shows_every_setting_with_its_default() -> None:
    assert sorted(leaves(yaml.safe_load(FILE.read_text()))) == sorted(names())
    assert load(FILE) == load(None)


def test_every_setting_is_read_by_the_product() -> None:
    rooms = [*(CHECKOUT / "watcher").rglob("*.py"), *(CHECKOUT / "handlers").rglob("*.py")]
    source = "\n".join(path.read_text() for path in rooms)
    unread = [name for name in names() if not re.search(rf"\.{name.rsplit('.', 1)[-1]}\b", source)]
    assert unread == []


def test_environment_outranks_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "scantune.yaml"
    file.write_text("fine_tuning: {training: {batch_size: 8, max_epochs: 5}}")
    monkeypatch.setenv("SCANTUNE_FINE_TUNING__TRAINING__BATCH_SIZE", "2")
    training = load(file).fine_tuning.training
    assert (training.batch_size, training.max_epochs) == (2, 5)


def test_overrides_outrank_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCANTUNE_UPLOAD__TO", "hub")
    assert load(None, {"upload": {"to": "local"}}).upload.to == "local"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("fine_tuning: {training: {batchsize: 2}}", "fine_tuning.training.batchsize"),
        ("defualt_base_model: x", "did you mean default_base_model"),
        ("fine_tuning: {training: {batch_size: many}}", "fine_tuning.training.batch_size"),
        ("- a list", "expected"),
        ("a: [", "YAML"),
        ("intake: {}\nlog: {}\nintake: {}", "intake comes twice"),
        ("intake: 3", "intake: this is a section"),
        ("github: {repositories: a/b}", "github.repositories: Input should be a list"),
        ("1: 2", "unknown setting 1"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "scantune.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=re.escape(complaint)) as caught:
        load(file)
    assert str(file) in str(caught.value)


def test_section_without_a_line_has_its_defaults(tmp_path: Path) -> None:
    file = tmp_path / "scantune.yaml"
    file.write_text("intake:\nfine_tuning:\n  training:\n")
    assert load(file) == load(None)


def test_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="directory"):
        load(tmp_path)


def test_value_of_the_environment_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCANTUNE_LOG__LEVEL", "loud")
    with pytest.raises(SettingsError, match="the environment variable SCANTUNE_LOG__LEVEL: "):
        load(CHECKOUT / "config" / "scantune.yaml")


def test_list_in_the_environment_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCANTUNE_GITHUB__REPOSITORIES", "a/b")
    with pytest.raises(SettingsError, match="written as JSON"):
        load(None)


def test_misspelt_environment_variable_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCANTUNE_UPLOAD__TOO", "hub")
    with pytest.raises(SettingsError, match="SCANTUNE_UPLOAD__TO"):
        load(None)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(None).upload.to = "hub"  # type: ignore[misc]


@given(st.integers(min_value=1, max_value=10**6))
def test_dump_and_load_round_trip(batch: int) -> None:
    settings = load(None, {"fine_tuning": {"training": {"batch_size": batch}}})
    assert Settings.model_validate(settings.model_dump()) == settings
