"""launchd and systemd, spoken to through their own commands; `run` is the seam."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from handlers.service.unit import LABEL, UNIT, Facts, launch_agent, systemd_unit
from watcher.errors import Unavailable
from watcher.files import write_durable

LEAVING_TRIES = 20
LEAVING_SECONDS = 0.5
"""`launchctl bootout` returns before the old service is gone; until then `bootstrap` fails."""
NOT_LOADED = (3, 36, 113)
"""launchctl's answers for a service that it does not know (ESRCH, EINPROGRESS of an older bootout, "not found")."""


NO_SESSION = "systemd has no manager for your user here: log in, or `loginctl enable-linger`, and try again"


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    status: int
    text: str


Run = Callable[[Sequence[str]], Done]


@dataclass(frozen=True, slots=True)
class Status:
    """What the system says of the service."""

    installed: bool
    running: bool
    process: int | None
    last_exit: str | None


class Manager(Protocol):
    """What launchd and systemd have in common."""

    @property
    def file(self) -> Path:
        """Where the rendered file belongs."""

    def render(self, service: Facts) -> bytes:
        """The file as `install` would write it."""

    def install(self, service: Facts) -> bool:
        """Installs and starts; returns False if exactly this was installed and loaded. Raises Unavailable."""

    def uninstall(self) -> bool:
        """Stops and removes; returns False if nothing was installed. Raises Unavailable."""

    def status(self) -> Status:
        """Whether it is installed, and whether it runs."""


def system_run(command: Sequence[str]) -> Done:
    """Runs one of the system's commands. Raises Unavailable if there is none of that name."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{command[0]}: {error}", "is this service manager running for your user?") from None
    return Done(done.returncode, done.stdout + done.stderr)


def manager(run: Run, sleep: Callable[[float], None], platform: str = sys.platform) -> Manager:
    """The service manager of a system. Raises Unavailable where there is none that scantune knows."""
    home = Path.home()
    if platform == "darwin":
        return Launchd(home / "Library" / "LaunchAgents" / f"{LABEL}.plist", run, sleep)
    if platform == "linux":
        base = os.environ.get("XDG_CONFIG_HOME") or str(home / ".config")
        return Systemd(Path(base) / "systemd" / "user" / UNIT, run)
    raise Unavailable(f"there is no service for {platform}", "run `scantune watch` by what starts programs there")


@dataclass(frozen=True, slots=True)
class Launchd:
    """launchctl(1) in the user's graphical session, domain `gui/UID`."""

    file: Path
    run: Run
    sleep: Callable[[float], None]

    @property
    def _domain(self) -> str:
        return f"gui/{os.getuid()}"

    def render(self, service: Facts) -> bytes:
        return launch_agent(service)

    def install(self, service: Facts) -> bool:
        wanted = self.render(service)
        if self.file.is_file() and self.file.read_bytes() == wanted and self.status().installed:
            return False
        self._leave()
        write_durable(self.file, wanted)
        self.file.chmod(0o644)
        _asked(self.run, ["launchctl", "enable", f"{self._domain}/{LABEL}"])
        self._bootstrap()
        return True

    def _bootstrap(self) -> None:
        command = ["launchctl", "bootstrap", self._domain, str(self.file)]
        for _ in range(LEAVING_TRIES):
            if (done := self.run(command)).status == 0:
                return
            self.sleep(LEAVING_SECONDS)
        raise Unavailable(f"launchctl bootstrap: {done.text.strip()} ({done.status})", "log in to the desktop first")

    def uninstall(self) -> bool:
        there = self.file.is_file() or self.status().installed
        self._leave()
        self.file.unlink(missing_ok=True)
        return there

    def _leave(self) -> None:
        done = self.run(["launchctl", "bootout", f"{self._domain}/{LABEL}"])
        if done.status not in (0, *NOT_LOADED):
            raise Unavailable(f"launchctl bootout: {done.text.strip()} ({done.status})", "try again in a moment")

    def status(self) -> Status:
        done = self.run(["launchctl", "print", f"{self._domain}/{LABEL}"])
        process = re.search(r"^\s*pid = (\d+)", done.text, re.MULTILINE)
        ended = re.search(r"^\s*last exit code = (.+)$", done.text, re.MULTILINE)
        return Status(
            installed=done.status == 0,
            running=done.status == 0 and process is not None,
            process=int(process[1]) if process else None,
            last_exit=ended[1].strip() if ended else None,
        )


@dataclass(frozen=True, slots=True)
class Systemd:
    """systemctl(1) of the user's manager."""

    file: Path
    run: Run

    def render(self, service: Facts) -> bytes:
        return systemd_unit(service).encode()

    def install(self, service: Facts) -> bool:
        wanted, status = self.render(service), self.status()
        if self.file.is_file() and self.file.read_bytes() == wanted and status.installed and status.running:
            return False
        write_durable(self.file, wanted)
        _asked(self.run, ["systemctl", "--user", "daemon-reload"])
        _asked(self.run, ["systemctl", "--user", "enable", UNIT])
        _asked(self.run, ["systemctl", "--user", "restart", UNIT])
        return True

    def uninstall(self) -> bool:
        if not self.file.is_file():
            return False
        _asked(self.run, ["systemctl", "--user", "disable", "--now", UNIT])
        self.file.unlink()
        _asked(self.run, ["systemctl", "--user", "daemon-reload"])
        return True

    def status(self) -> Status:
        names = "LoadState,ActiveState,MainPID,ExecMainStatus"
        done = self.run(["systemctl", "--user", "show", UNIT, f"--property={names}"])
        said = dict(line.partition("=")[::2] for line in done.text.splitlines())
        process = int(said.get("MainPID") or 0)
        return Status(
            installed=said.get("LoadState") == "loaded",
            running=said.get("ActiveState") in ("active", "reloading"),
            process=process or None,
            last_exit=said.get("ExecMainStatus"),
        )


def _asked(run: Run, command: Sequence[str]) -> None:
    if (done := run(command)).status != 0:
        hint = NO_SESSION if "connect to bus" in done.text else "`scantune service logs` may say more"
        raise Unavailable(f"{' '.join(command)}: {done.text.strip()} ({done.status})", hint)
