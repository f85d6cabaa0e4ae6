"""The distilled catalogue, made once a test session: distilling takes a second, and most tests are not about that."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from handlers.knowledge.catalogue import open_catalogue
from handlers.knowledge.cwe import Catalogue


@pytest.fixture(scope="session")
def catalogue_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that has the table and nothing else; read-only."""
    root = tmp_path_factory.mktemp("catalogue")
    open_catalogue(root)
    return root


@pytest.fixture(scope="session")
def catalogue(catalogue_root: Path) -> Catalogue:
    return open_catalogue(catalogue_root)


@pytest.fixture(scope="session")
def furnish(catalogue_root: Path) -> Callable[[Path], Path]:
    """Puts the table into a workspace, as an earlier run would have; returns the workspace."""

    def copy(root: Path) -> Path:
        shutil.copytree(catalogue_root / "state" / "knowledge", root / "state" / "knowledge")
        return root

    return copy
