"""What all tests of the engine share: a workspace, and a clock that only moves when told to."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import FakeClock

from watcher.workspace import Workspace

pytest.register_assert_rewrite("crash")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "w").make()
