"""Datasets built from made-up narratives, and what lies in them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from config.settings import Settings, Tasks
from handlers.dataset import stage
from handlers.dataset.build import write_sides
from handlers.dataset.lines import find_lines
from handlers.dataset.split import side_of
from tests.handlers.dataset.made import attempt
from watcher.stage import Outcome

ALL = Settings.model_validate({"dataset": {"tasks": dict.fromkeys(Tasks.model_fields, 1.0)}})
"""Every task of every problem."""


def run(tmp_path: Path, name: str, inputs: Sequence[Path], chosen: Settings | None = None) -> tuple[Path, Outcome]:
    out = tmp_path / name
    out.mkdir(parents=True)
    outcome = stage(chosen or ALL, tmp_path).run(inputs, out, attempt(tmp_path / f"{name}.work"))
    return out, outcome


def rows_only(root: Path, name: str, inputs: Sequence[Path], chosen: Settings) -> Path:
    """A build without its card and pictures, for properties that take many builds."""
    out = root / name
    out.mkdir()
    write_sides(chosen, root, find_lines(inputs), out, attempt(root / f"{name}.work"))
    return out


def lines(out: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(each) for each in (out / name).read_bytes().splitlines()]


def content(out: Path) -> dict[str, bytes]:
    return {str(each.relative_to(out)): each.read_bytes() for each in out.rglob("*") if each.is_file()}


def key_on(side: str, start: int = 10_000) -> str:
    return next(f"CVE-2024-{each}" for each in range(start, start + 1000) if side_of(f"CVE-2024-{each}", 0.2) == side)


def with_settings(**dataset: Any) -> Settings:
    return Settings.model_validate({"dataset": {"tasks": ALL.dataset.tasks.model_dump(), **dataset}})
