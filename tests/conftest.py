"""What every test may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the embedded tiny model; treat it as read-only."""
    pytest.importorskip("mlx_lm")
    from handlers.models.tiny import make_tiny

    folder = tmp_path_factory.mktemp("base") / "tiny"
    make_tiny(folder)
    return folder
