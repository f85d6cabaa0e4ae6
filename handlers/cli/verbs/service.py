"""`scantune service …`: the watcher as a service of the system, started with the session and kept alive."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from handlers.cli.arguments import count
from handlers.context import Context

if TYPE_CHECKING:
    from handlers.service.manager import Manager

GUARDED = ("Documents", "Desktop", "Downloads", "Library/Mobile Documents", "Library/CloudStorage")
"""Folders of a Mac's user that a background program may not read until the person allowed it; or that are synced."""
PLATFORMS = {"launchd": "darwin", "systemd": "linux"}


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("service", help="the watcher as a service: launchd on macOS, systemd on Linux")
    below = parser.add_subparsers(metavar="ACTION", required=True)
    for name, run, told in (
        ("install", install, "install and start it for this workspace; again: bring it up to date"),
        ("uninstall", uninstall, "stop and remove it; the workspace stays"),
        ("status", status, "whether it runs; 0 if it does"),
    ):
        below.add_parser(name, help=told).set_defaults(run=run)
    printed = below.add_parser("print", help="print the file that install would write")
    printed.add_argument("--for", choices=sorted(PLATFORMS), dest="system", help="default: this system")
    printed.set_defaults(run=show)
    logs = below.add_parser("logs", help="print the end of its log")
    logs.add_argument("-n", type=count, default=50, metavar="LINES", dest="lines", help="how many lines (default: 50)")
    logs.set_defaults(run=print_logs)


def install(args: argparse.Namespace, context: Context) -> int:
    from handlers.service.unit import facts
    from watcher.files import make_folder

    service, system = facts(context), _manager()
    for folder in (service.logs, *service.writable):
        make_folder(folder)  # systemd opens what is there when it starts the service, and nothing else
    if (process := watched_by_hand(context.root, system)) is not None:
        print(f"scantune: process {process} watches this workspace; end it, then install again", file=sys.stderr)
        return 1
    for warning in warnings((service.workspace, *service.writable, Path(sys.executable)), os.environ):
        print(f"scantune: warning: {warning}", file=sys.stderr)
    changed = system.install(service)
    print(f"{system.file}: {'installed and started' if changed else 'is installed as it should be'}")
    print(f"it watches {service.workspace / 'inbox'} and logs to {service.logs}")
    return 0


def watched_by_hand(root: Path, system: Manager) -> int | None:
    """The process that watches the workspace outside of the service, if there is one."""
    from handlers.service.health import last_beat, process_lives

    beat = last_beat(root)
    if beat is None or not process_lives(beat.process) or beat.process == system.status().process:
        return None
    return beat.process


def uninstall(args: argparse.Namespace, context: Context) -> int:
    system = _manager()
    removed = system.uninstall()
    print(f"{system.file}: {'stopped and removed' if removed else 'was not installed'}")
    print(f"left as they are: the workspace {context.root}")
    print(f"and the models in {context.settings.fine_tuned_models_dir} and {context.settings.base_models_dir}")
    return 0


def status(args: argparse.Namespace, context: Context) -> int:
    found = _manager().status()
    state = "running" if found.running else "installed, not running" if found.installed else "not installed"
    process = f" as process {found.process}" if found.process else ""
    ended = f"; last exit: {found.last_exit}" if found.last_exit not in (None, "0", "(never exited)") else ""
    print(f"{state}{process}{ended}")
    return 0 if found.running else 1


def show(args: argparse.Namespace, context: Context) -> int:
    from handlers.service.unit import facts

    sys.stdout.write(_manager(PLATFORMS.get(args.system, sys.platform)).render(facts(context)).decode())
    return 0


def print_logs(args: argparse.Namespace, context: Context) -> int:
    from handlers.service.logs import tail
    from handlers.service.unit import log_folder

    folder = log_folder(context.root)
    if not (lines := tail(folder, args.lines)):
        print(f"{folder}: nothing is logged there yet", file=sys.stderr)
    for line in lines:
        print(line)
    return 0


def warnings(paths: tuple[Path, ...], environment: Mapping[str, str]) -> list[str]:
    """What will not work as the person may think."""
    told = [
        f"{path}: macOS keeps background programs out of ~/{name} unless you allow it (System Settings, Privacy & "
        "Security, Full Disk Access); a workspace elsewhere, such as ~/scantune, needs no permission"
        for path in paths
        for name in GUARDED
        if sys.platform == "darwin" and path.is_relative_to(Path.home() / name)
    ]
    told += [
        f"{path}: the service has a /tmp of its own and does not see this one; keep it elsewhere"
        for path in paths
        if sys.platform != "darwin" and path.is_relative_to("/tmp")
    ]
    kept = sorted(name for name in environment if name.startswith("SCANTUNE_") and name != "SCANTUNE_WORKSPACE")
    if kept:
        told.append(f"set here, but not for the service: {', '.join(kept)}; write them into the settings file")
    return told


def _manager(platform: str = sys.platform) -> Manager:
    from handlers.service.manager import manager, system_run

    return manager(system_run, time.sleep, platform)
