"""Base models: found by name, path or as the embedded one, with a revision that follows their content."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import Settings
from handlers.models import base
from handlers.models.base import content_revision, find_base, tiny_folder
from watcher.errors import BadInput, Unavailable


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(base_models_dir=tmp_path / "base")


@pytest.fixture
def model(settings: Settings, tiny_model: Path) -> Path:
    return Path(shutil.copytree(tiny_model, settings.base_models_dir / "some-model"))


def test_a_name_is_a_folder_of_the_base_models(model: Path, settings: Settings, tmp_path: Path) -> None:
    base = find_base("some-model", settings, tmp_path)
    assert (base.name, base.path, base.embedded) == ("some-model", model, True)
    assert base.revision == content_revision(model)


def test_a_path_is_a_model_too(tiny_model: Path, settings: Settings, tmp_path: Path) -> None:
    assert find_base(str(tiny_model), settings, tmp_path).path == tiny_model


def test_tiny_is_the_workspace_s_own(tiny_model: Path, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="scantune models tiny"):
        find_base("tiny", settings, tmp_path)
    shutil.copytree(tiny_model, tiny_folder(tmp_path))
    assert find_base("tiny", settings, tmp_path).embedded


def test_a_missing_default_names_the_command_that_brings_it(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="scantune models fetch"):
        find_base(settings.default_base_model, settings, tmp_path)


def test_a_model_of_somebody_s_own_is_not_embedded(model: Path, settings: Settings, tmp_path: Path) -> None:
    config = model / "config.json"
    config.write_text(config.read_text().replace("scantune_warning", "note"))
    assert not find_base("some-model", settings, tmp_path).embedded


def test_the_revision_follows_content_not_place_or_time(model: Path, settings: Settings, tmp_path: Path) -> None:
    before = find_base("some-model", settings, tmp_path).revision
    (model / "README.md").write_text("another card")
    os.utime(model / "model.safetensors", ns=(1, 1))
    assert find_base("some-model", settings, tmp_path).revision == before
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    assert find_base("some-model", settings, tmp_path).revision not in ("", before)


def test_a_model_that_goes_away_while_it_is_read_is_unavailable(
    model: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = base._content(model)
    monkeypatch.setattr(base, "_content", lambda folder: listed)
    (model / "model.safetensors").rename(tmp_path / "model.safetensors")
    (model / "other.safetensors").touch()
    with pytest.raises(Unavailable, match=r"model\.safetensors went away"):
        find_base("some-model", settings, tmp_path)


def test_a_damaged_cache_of_revisions_is_made_anew(model: Path, settings: Settings, tmp_path: Path) -> None:
    before = find_base("some-model", settings, tmp_path)
    (tmp_path / "state" / "models" / "revisions.json").write_text("{")
    assert find_base("some-model", settings, tmp_path) == before


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_half_a_model_is_refused(model: Path, settings: Settings, tmp_path: Path, missing: str) -> None:
    (model / missing).unlink()
    with pytest.raises(BadInput, match=missing.split(".")[-1]):
        find_base("some-model", settings, tmp_path)


def test_asking_for_a_base_imports_no_mlx() -> None:
    code = "import sys, handlers.models.base; print([m for m in sys.modules if m.split('.')[0] in ('mlx', 'mlx_lm')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
