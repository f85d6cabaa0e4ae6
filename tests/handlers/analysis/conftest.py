from __future__ import annotations

import pytest

from handlers.knowledge.catalogue import open_catalogue
from handlers.knowledge.cwe import Catalogue


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return open_catalogue(tmp_path_factory.mktemp("workspace"))
