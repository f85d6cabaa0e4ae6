"""What the tests of the command line look at: a workspace in which something was done."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def worked_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one dropped file, `picture.bin`, that is in quarantine; to be copied, not to be changed."""
    root = tmp_path_factory.mktemp("worked-in") / "workspace"
    (root / "inbox").mkdir(parents=True)
    (root / "inbox" / "picture.bin").write_bytes(b"no report")
    command = [sys.executable, "-P", "-m", "handlers.cli.main", "--workspace", str(root), "run", "--skip-fine-tuning"]
    done = subprocess.run(command, env={**os.environ, "SCANTUNE_INTAKE__SETTLE_SECONDS": "0"}, check=False)
    assert done.returncode == 1
    return root


@pytest.fixture
def workspace(worked_in: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(worked_in, tmp_path / "workspace")
