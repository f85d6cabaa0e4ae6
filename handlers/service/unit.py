"""The service's file, filled in with absolute paths: launchd.plist(5) for macOS, systemd.service(5) for Linux."""

from __future__ import annotations

import math
import plistlib
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from config.settings import Settings
from handlers.context import Context
from watcher.errors import BadInput
from watcher.shown import is_text

LABEL = "org.scantune.watch"
UNIT = "scantune.service"
MARGIN_SECONDS = 15
"""Between the watcher's own limit for draining and the system's SIGKILL."""
WATCHDOG_SECONDS = 1200
"""Longer than the longest single step between two pings: reading one report (limits.max_seconds, on half a core)."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a rendered file depends on; all paths are absolute."""

    command: tuple[str, ...]
    workspace: Path
    logs: Path
    writable: tuple[Path, ...]
    drain_seconds: int


def facts(context: Context, python: str = sys.executable) -> Facts:
    """The service of this workspace, run by this Python. Raises BadInput if its path can't be written in UTF-8."""
    root = context.root.absolute()
    if not is_text(str(root)):
        raise BadInput(f"{root}: the service's file holds paths in UTF-8 only", "rename the folder")
    command = [str(Path(python).absolute()), "-P", "-m", "handlers.cli.main", "--workspace", str(root)]
    if context.config is not None:
        command += ["--config", str(context.config.absolute())]
    return Facts(
        command=(*command, "watch"),
        workspace=root,
        logs=log_folder(root),
        writable=_writable(context.settings, root),
        drain_seconds=math.ceil(context.settings.intake.drain_seconds) + MARGIN_SECONDS,
    )


def log_folder(root: Path) -> Path:
    """Where a workspace's logs lie."""
    return root / "state" / "logs"


def _writable(settings: Settings, root: Path) -> tuple[Path, ...]:
    """Where the watcher writes: the workspace, models, publications, training, and its user's caches and locks."""
    chosen = [settings.fine_tuned_models_dir, settings.fine_tuning.workspace_dir, settings.upload.local_dir]
    return (root, *(path.absolute() for path in chosen if path is not None), Path.home() / ".cache")


def launch_agent(service: Facts) -> bytes:
    """The property list. Filled in after parsing, so that no path needs escaping."""
    template = plistlib.loads(files("launchd").joinpath("scantune.plist.in").read_bytes())
    filled: dict[str, Any] = _filled(template, {"LABEL": LABEL, **_paths(service)}, service.command)
    return plistlib.dumps({**filled, "ExitTimeOut": service.drain_seconds}, sort_keys=False)


def _filled(value: Any, names: dict[str, str], command: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(below, names, command) for key, below in value.items()}
    if value == ["@COMMAND@"]:
        return list(command)
    if isinstance(value, str):
        return _replaced(value, names)
    return value


def systemd_unit(service: Facts) -> str:
    """The unit file, with systemd's quoting for arguments and its `%` escaped everywhere."""
    template = files("launchd").joinpath("scantune.service.in").read_text(encoding="utf-8")
    names = {
        **{name: path.replace("%", "%%") for name, path in _paths(service).items()},
        "COMMAND": " ".join(_quoted(each).replace("$", "$$") for each in service.command),
        "WRITABLE": " ".join(_quoted(f"-{path}") for path in service.writable),
        "DRAIN": str(service.drain_seconds),
        "WATCHDOG": str(WATCHDOG_SECONDS),
    }
    return _replaced(template, names)


def _paths(service: Facts) -> dict[str, str]:
    return {"WORKSPACE": str(service.workspace), "LOGS": str(service.logs)}


def _replaced(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"@{name}@", value)
    return text


def _quoted(text: str) -> str:
    """An argument as systemd reads it back unchanged (systemd.syntax(7), QUOTING)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if any(each in text for each in " \t\"'\\;") else escaped
