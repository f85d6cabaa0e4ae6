"""Real reports with what independent readers found in them; they lie beside the checkout and are no part of it."""

import json
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).parents[4] / "shared"
MISSING = f"no corpus of real reports at {SHARED}"


def files(kind: str) -> list[Any]:
    """The entries of the manifest of `artifacts` or `bad`, as pytest parameters; one that skips if there is none."""
    manifest = SHARED / kind / "manifest.json"
    if not manifest.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason=MISSING))]
    return [pytest.param(each, id=each["file"]) for each in json.loads(manifest.read_text())["files"]]
