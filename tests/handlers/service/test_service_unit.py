"""The rendered files, key by key, against what the systems document."""

from __future__ import annotations

import plistlib
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from config.settings import load
from handlers.context import Context
from handlers.service.unit import Facts, facts, launch_agent, systemd_unit

LAUNCHD_KEYS = {
    # launchd.plist(5)
    *("Label", "Disabled", "UserName", "GroupName", "inetdCompatibility", "LimitLoadToHosts", "LimitLoadFromHosts"),
    *("LimitLoadToSessionType", "LimitLoadToHardware", "LimitLoadFromHardware", "Program", "ProgramArguments"),
    *("BundleProgram", "EnableGlobbing", "EnableTransactions", "EnablePressuredExit", "OnDemand", "ServiceIPC"),
    *("KeepAlive", "RunAtLoad", "RootDirectory", "WorkingDirectory", "EnvironmentVariables", "Umask", "TimeOut"),
    *("ExitTimeOut", "ThrottleInterval", "InitGroups", "WatchPaths", "QueueDirectories", "StartOnMount"),
    *("StartInterval", "StartCalendarInterval", "StandardInPath", "StandardOutPath", "StandardErrorPath", "Debug"),
    *("WaitForDebugger", "SoftResourceLimits", "HardResourceLimits", "Nice", "ProcessType", "AbandonProcessGroup"),
    *("LowPriorityIO", "LowPriorityBackgroundIO", "MaterializeDatalessFiles", "LaunchOnlyOnce", "MachServices"),
    *("Sockets", "LaunchEvents", "SessionCreate", "LegacyTimers", "AssociatedBundleIdentifiers"),
}


def context(root: Path, config: Path | None = None) -> Context:
    return Context(load(), root, config, named=True)


def agent(service: Facts) -> dict[str, object]:
    return plistlib.loads(launch_agent(service))  # type: ignore[no-any-return]


def test_the_launch_agent_has_the_right_keys(tmp_path: Path) -> None:
    config = tmp_path / "scantune.yaml"
    found = agent(facts(context(tmp_path, config), "/venv/bin/python"))
    assert found.keys() <= LAUNCHD_KEYS
    assert found["ProgramArguments"] == [
        *("/venv/bin/python", "-P", "-m", "handlers.cli.main"),
        *("--workspace", str(tmp_path), "--config", str(config), "watch"),
    ]
    assert found["KeepAlive"] == {"SuccessfulExit": False}
    assert found["RunAtLoad"] is True
    assert found["ThrottleInterval"] == 30
    assert found["ProcessType"] == "Standard"
    assert found["LowPriorityIO"] is True
    assert found["SoftResourceLimits"] == {"NumberOfFiles": 8192}
    assert found["Umask"] == 0o077
    assert found["WorkingDirectory"] == str(tmp_path)
    assert found["StandardErrorPath"] == str(tmp_path / "state" / "logs" / "service.err")
    assert found["EnvironmentVariables"].keys() == {"PATH"}  # type: ignore[attr-defined]


def test_the_system_waits_longer_than_the_watcher_drains(tmp_path: Path) -> None:
    settings = load(None, {"intake": {"drain_seconds": 90.5}})
    service = facts(Context(settings, tmp_path, None, named=True))
    assert agent(service)["ExitTimeOut"] == service.drain_seconds > 90.5
    assert f"TimeoutStopSec={service.drain_seconds}\n" in systemd_unit(service)


@pytest.mark.parametrize("name", ["plain", "with blank", "per%cent", 'quo"te', "dol$lar", "a&b<c>", "ü", "@LABEL@"])
def test_odd_paths_survive(tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    service = facts(context(root))
    assert agent(service)["WorkingDirectory"] == str(root)
    lines = dict(line.partition("=")[::2] for line in systemd_unit(service).splitlines() if "=" in line)
    assert lines["WorkingDirectory"].replace("%%", "%") == str(root)
    command = [each.replace("%%", "%").replace("$$", "$") for each in shlex.split(lines["ExecStart"])]
    assert tuple(command) == service.command


def test_nothing_secret_gets_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_very_secret")
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_very_secret")
    service = facts(context(tmp_path))
    assert b"very_secret" not in launch_agent(service)
    assert "very_secret" not in systemd_unit(service)


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    if (program := shutil.which("systemd-analyze")) is None:
        pytest.skip("systemd-analyze is not installed here")
    unit = tmp_path / "scantune-test.service"
    unit.write_text(systemd_unit(facts(context(tmp_path))))
    status, said = _verified(program, unit)
    assert status == 0, said
    assert unit.name not in said  # other units of this machine are nothing to us
    unit.write_text(unit.read_text().replace("KillMode=mixed", "KillMode=gently"))
    assert "kill mode" in _verified(program, unit)[1]  # it does look


def _verified(program: str, unit: Path) -> tuple[int, str]:
    runtime = {"XDG_RUNTIME_DIR": str(unit.parent), "PATH": "/usr/bin:/bin", "HOME": str(unit.parent)}
    command = [program, "--user", "verify", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, env=runtime, check=False)
    return done.returncode, done.stderr
