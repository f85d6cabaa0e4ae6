"""Installing, twice, changing and removing: against fakes that answer as launchctl and systemctl do."""

from __future__ import annotations

import dataclasses
import plistlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from handlers.service.manager import Done, Launchd, Systemd, manager
from handlers.service.unit import LABEL, UNIT, Facts
from watcher.errors import Unavailable

PRINTED = """gui/501/org.scantune.watch = {{
	active count = 1
	path = {path}
	state = running

	program = /venv/bin/python
	pid = 4242
	last exit code = (never exited)
}}
"""
"""As launchctl prints it (macOS 14)."""


@dataclasses.dataclass
class FakeLaunchctl:
    """Knows one domain; a service that was booted out stays for `leaving` more bootstraps, as the real one does."""

    loaded: str | None = None
    leaving: int = 0
    lingers: int = 0
    calls: list[str] = dataclasses.field(default_factory=list)

    def __call__(self, command: Sequence[str]) -> Done:
        assert command[0] == "launchctl"
        self.calls.append(command[1])
        return getattr(self, command[1])(*command[2:])  # type: ignore[no-any-return]

    def print(self, target: str) -> Done:
        if self.loaded is None:
            return Done(113, f'Could not find service "{LABEL}" in domain for user gui: 501\n')
        return Done(0, PRINTED.format(path=self.loaded))

    def bootout(self, target: str) -> Done:
        if self.loaded is None:
            return Done(3, "Boot-out failed: 3: No such process\n")
        self.loaded, self.lingers = None, self.leaving
        return Done(0, "")

    def enable(self, target: str) -> Done:
        return Done(0, "")

    def bootstrap(self, domain: str, path: str) -> Done:
        if self.lingers:
            self.lingers -= 1
            return Done(5, "Bootstrap failed: 5: Input/output error\n")
        assert plistlib.loads(Path(path).read_bytes())["Label"] == LABEL
        self.loaded = path
        return Done(0, "")


@dataclasses.dataclass
class FakeSystemctl:
    file: Path
    enabled: bool = False
    active: bool = False
    calls: list[str] = dataclasses.field(default_factory=list)

    def __call__(self, command: Sequence[str]) -> Done:
        assert command[:2] == ["systemctl", "--user"]
        self.calls.append(command[2])
        match command[2]:
            case "show":
                load = "loaded" if self.file.exists() else "not-found"
                state = "active" if self.active else "inactive"
                return Done(0, f"LoadState={load}\nActiveState={state}\nMainPID={77 * self.active}\nExecMainStatus=0\n")
            case "enable":
                self.enabled = True
            case "restart":
                self.active = True
            case "disable":
                self.enabled = self.active = False
        return Done(0, "")


@pytest.fixture
def service(tmp_path: Path) -> Facts:
    return Facts(("/venv/bin/python", "watch"), tmp_path, tmp_path / "logs", (tmp_path,), 35)


def test_launchd_from_nothing_to_running_and_back(tmp_path: Path, service: Facts) -> None:
    control = FakeLaunchctl()
    system = Launchd(tmp_path / "LaunchAgents" / f"{LABEL}.plist", control, lambda seconds: None)
    assert not system.status().installed
    assert system.install(service)
    assert control.calls[-2:] == ["enable", "bootstrap"]
    status = system.status()
    assert (status.running, status.process, status.last_exit) == (True, 4242, "(never exited)")
    assert system.uninstall()
    assert not system.file.exists()
    assert not system.uninstall()


def test_launchd_again_changes_nothing_and_a_change_is_loaded(tmp_path: Path, service: Facts) -> None:
    control = FakeLaunchctl(leaving=3)
    waits: list[float] = []
    system = Launchd(tmp_path / f"{LABEL}.plist", control, waits.append)
    system.install(service)
    control.calls.clear()
    assert not system.install(service)
    assert control.calls == ["print"]
    assert system.install(dataclasses.replace(service, drain_seconds=60))
    assert len(waits) == 3  # the old one took its time to leave
    assert plistlib.loads(system.file.read_bytes())["ExitTimeOut"] == 60


def test_launchd_says_what_it_is_told(tmp_path: Path, service: Facts) -> None:
    control = FakeLaunchctl(loaded="x", leaving=10**6)
    system = Launchd(tmp_path / f"{LABEL}.plist", control, lambda seconds: None)
    with pytest.raises(Unavailable, match="Input/output error"):
        system.install(service)


def test_systemd_from_nothing_to_running_and_back(tmp_path: Path, service: Facts) -> None:
    control = FakeSystemctl(tmp_path / UNIT)
    system = Systemd(control.file, control)
    assert system.install(service)
    assert control.calls[1:] == ["daemon-reload", "enable", "restart"]
    assert system.status().process == 77
    control.calls.clear()
    assert not system.install(service)
    assert control.calls == ["show"]
    assert system.install(dataclasses.replace(service, drain_seconds=60))
    assert system.uninstall()
    assert not control.enabled
    assert not control.file.exists()
    assert not system.uninstall()


def test_no_manager_elsewhere() -> None:
    with pytest.raises(Unavailable, match="win32"):
        manager(lambda command: Done(0, ""), lambda seconds: None, "win32")


def test_systemd_without_a_session_says_what_to_do(tmp_path: Path, service: Facts) -> None:
    system = Systemd(tmp_path / UNIT, lambda command: Done(1, "Failed to connect to bus: No medium found\n"))
    with pytest.raises(Unavailable) as caught:
        system.install(service)
    assert "No medium found" in caught.value.reason
    assert "enable-linger" in caught.value.hint
