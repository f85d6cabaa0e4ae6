"""`scantune service …`, as a person uses it, on a fake of the system's manager."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from handlers.cli.main import main
from handlers.cli.verbs import service
from handlers.service.heartbeat import Heartbeat
from handlers.service.manager import Systemd
from handlers.service.unit import UNIT
from tests.handlers.service.test_service_manager import FakeSystemctl
from watcher.clock import SYSTEM

Scantune = Callable[..., int]


@pytest.fixture
def scantune(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scantune:
    control = FakeSystemctl(tmp_path / "home" / UNIT)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(service, "_manager", lambda: Systemd(control.file, control))
    monkeypatch.setenv("SCANTUNE_FINE_TUNED_MODELS_DIR", str(tmp_path / "models"))
    return lambda *words: main(["--workspace", str(tmp_path / "workspace"), "service", *words])


def test_from_install_to_uninstall(scantune: Scantune, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert scantune("status") == 1
    assert scantune("install") == 0
    said = capsys.readouterr()
    assert "installed and started" in said.out
    assert str(tmp_path / "workspace" / "inbox") in said.out
    assert "SCANTUNE_FINE_TUNED_MODELS_DIR" in said.err  # set here, but not for the service
    assert (tmp_path / "models").is_dir()  # the sandbox opens what is there
    assert scantune("install") == 0
    assert "as it should be" in capsys.readouterr().out
    assert scantune("status") == 0
    assert "running as process 77" in capsys.readouterr().out
    assert scantune("uninstall") == 0
    said = capsys.readouterr()
    assert str(tmp_path / "workspace") in said.out
    assert str(tmp_path / "models") in said.out
    assert (tmp_path / "workspace" / "state").is_dir()
    assert scantune("uninstall") == 0
    assert "was not installed" in capsys.readouterr().out


def test_a_watcher_by_hand_goes_first(scantune: Scantune, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Heartbeat(tmp_path / "workspace" / "state", "1", {}).start(SYSTEM.now())
    assert scantune("install") == 1
    assert f"process {os.getpid()} watches this workspace" in capsys.readouterr().err


@pytest.mark.parametrize("folder", ["Documents/scans", "Library/Mobile Documents/x", "Desktop"])
def test_guarded_folders_of_a_mac_are_named(monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setattr(service.sys, "platform", "darwin")
    (warning,) = service.warnings((Path.home() / folder, Path.home() / "scantune"), {})
    assert warning.startswith(str(Path.home() / folder))
    assert "Full Disk Access" in warning
    monkeypatch.setattr(service.sys, "platform", "linux")
    assert service.warnings((Path.home() / folder,), {}) == []


def test_what_a_service_of_systemd_does_not_see_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.sys, "platform", "linux")
    (warning,) = service.warnings((Path("/tmp/scantune"), Path("/home/somebody/models")), {})
    assert warning.startswith("/tmp/scantune: the service has a /tmp of its own")


@pytest.mark.parametrize(("system", "sign"), [("launchd", "<key>ProgramArguments</key>"), ("systemd", "ExecStart=")])
def test_print_shows_what_install_would_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], system: str, sign: str
) -> None:
    assert main(["--workspace", str(tmp_path / "w"), "service", "print", "--for", system]) == 0
    said = capsys.readouterr().out
    assert sign in said
    assert str(tmp_path / "w") in said
    assert not (tmp_path / "w").exists()
