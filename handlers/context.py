"""What a command is given: the settings, and where the workspace is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.settings import Settings, SettingsError, load


@dataclass(frozen=True, slots=True)
class Context:
    """What a command works with; everything in it was read once, at the start."""

    settings: Settings
    root: Path
    """The workspace: `inbox/`, `outbox/`, `quarantine/` and `state/` lie in it."""
    config: Path | None
    """The settings file in use, if there is one."""
    named: bool
    """The workspace was named by the person (`--workspace` or `SCANTUNE_WORKSPACE`)."""


def locate_workspace(named: Path | None) -> tuple[Path, bool]:
    """The workspace (`--workspace`, `SCANTUNE_WORKSPACE`, the checkout, `~/scantune`), and whether it was named."""
    if named is None and (variable := os.environ.get("SCANTUNE_WORKSPACE")):
        named = Path(variable)
    if named is not None:
        return named.expanduser().absolute(), True
    return _enclosing_checkout() or Path.home() / "scantune", False


def _enclosing_checkout() -> Path | None:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "config" / "scantune.yaml").is_file() and (folder / "inbox").is_dir():
            return folder
    return None


def make_context(workspace: Path | None, config: Path | None, overrides: Mapping[str, object] | None = None) -> Context:
    """Raises config.settings.SettingsError if the settings can't be used, or a file named by hand is missing."""
    root, named = locate_workspace(workspace)
    if config is None and (variable := os.environ.get("SCANTUNE_CONFIG")):
        config = Path(variable).expanduser()
    file = config or root / "config" / "scantune.yaml"
    if config is not None and not config.exists():
        raise SettingsError(f"{config}: there is no such file")
    return Context(load(file, overrides), root, file if file.exists() else None, named)
