"""Signs of life, logs, health and upgrades."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import Log, load
from handlers.cli.main import main
from handlers.context import Context
from handlers.service import health as monitored
from handlers.service import logs
from handlers.service.health import Level, health
from handlers.service.heartbeat import FILE, Heartbeat
from handlers.service.living import alive
from handlers.service.unit import LABEL, log_folder
from watcher.clock import SYSTEM


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.setLevel(logging.INFO)
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)


def test_the_heartbeat_is_written_now_and_then_and_systemd_hears_it(tmp_path: Path) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(address))
        heartbeat = Heartbeat(tmp_path / "state", "1.2", {"NOTIFY_SOCKET": str(address)})
        heartbeat.start(1000.0)
        for second in range(1, 40):
            heartbeat.beat(1000.0 + second)
        beat = json.loads((tmp_path / "state" / FILE).read_bytes())
        heartbeat.beat(500.0)  # the clock was set back
        heartbeat.end()
        said = [systemd.recv(100).decode() for _ in range(6)]
    assert said == ["READY=1", *["WATCHDOG=1"] * 4, "STOPPING=1"]
    assert beat == {"process": os.getpid(), "time": 1030.0, "program": "1.2"}
    assert not (tmp_path / "state" / FILE).exists()


def test_without_systemd_nobody_is_told(tmp_path: Path) -> None:
    Heartbeat(tmp_path, "1", {}).start(0.0)
    Heartbeat(tmp_path, "1", {"NOTIFY_SOCKET": str(tmp_path / "nobody")}).start(0.0)


def test_a_clean_end_leaves_no_sign_and_a_crash_does(tmp_path: Path, logger: logging.Logger) -> None:
    context = Context(load(), tmp_path, None, named=True)
    with alive(context, SYSTEM):
        logger.info("at work")
    assert not (tmp_path / "state" / FILE).exists()
    with pytest.raises(ZeroDivisionError), alive(context, SYSTEM):
        raise ZeroDivisionError
    assert (tmp_path / "state" / FILE).exists()
    assert "at work" in logs.tail(log_folder(tmp_path), 10)[0]


def test_under_the_system_the_log_is_in_the_file_alone(
    tmp_path: Path, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    context = Context(load(), tmp_path, None, named=True)
    logger.handlers.clear()
    logs.start(context.settings.log)
    monkeypatch.setenv("XPC_SERVICE_NAME", LABEL)
    with alive(context, SYSTEM):
        logger.info("at work")
    assert "at work" in logs.tail(log_folder(tmp_path), 10)[0]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("silent", "lives", "level"),
    [(10, True, Level.OK), (300, True, Level.WARNING), (3000, True, Level.CRITICAL), (10, False, Level.CRITICAL)],
)
def test_health_by_the_heartbeat(
    tmp_path: Path, silent: float, lives: bool, level: Level, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitored, "LOW_DISK_BYTES", 0)
    (tmp_path / "inbox").mkdir()
    Heartbeat(tmp_path / "state", "1", {}).start(1000.0)
    assert health(tmp_path, 1000.0 + silent, alive=lambda process: lives).level is level


def test_health_without_a_watcher_or_a_workspace(tmp_path: Path) -> None:
    assert health(tmp_path, 0.0).level is Level.CRITICAL
    assert health(tmp_path / "nowhere", 0.0).level is Level.UNKNOWN
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / FILE).write_text("{")
    assert health(tmp_path, 0.0).level is Level.UNKNOWN


def test_health_counts_the_quarantine(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    Heartbeat(tmp_path / "state", "1", {}).start(1000.0)
    (tmp_path / "quarantine" / "analysis" / ("01" * 32)).mkdir(parents=True)
    found = health(tmp_path, 1001.0, alive=lambda process: True)
    assert found.level is Level.WARNING
    assert "1 in quarantine" in str(found)


def told(root: Path) -> str:
    return str(health(root, 1001.0, alive=lambda process: True))


def test_health_tells_of_an_inbox_that_is_not_what_it_was(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    Heartbeat(tmp_path / "state", "1", {}).start(1000.0)
    assert told(tmp_path).startswith(f"CRITICAL: nothing is taken: {inbox} is not there")
    inbox.mkdir()
    (tmp_path / "state" / "inbox-is-a-volume").touch()
    assert told(tmp_path).startswith(f"CRITICAL: nothing is taken: {inbox} was a volume of its own")


def test_health_tells_of_a_volume_that_takes_nothing(small_disk: Path) -> None:
    (small_disk / "inbox").mkdir()
    Heartbeat(small_disk / "state", "1", {}).start(1000.0)
    assert told(small_disk).startswith("WARNING: 0.0 GB free")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert told(small_disk) == "CRITICAL: it stands still: the volume is read-only"


def test_health_tells_of_a_volume_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inbox").mkdir()
    Heartbeat(tmp_path / "state", "1", {}).start(1000.0)

    def refuse(path: Path) -> object:
        raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN), str(path))

    monkeypatch.setattr(os, "listdir", refuse)
    assert told(tmp_path).startswith("UNKNOWN: ")
    assert "the network folder went away" in told(tmp_path)


def test_json_lines_carry_errors_and_odd_texts(tmp_path: Path, logger: logging.Logger) -> None:
    handler = logs.also_to_file(tmp_path, Log(format="json"))
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError:
        logger.exception('a "quoted"\nline of %s', "ü")
    handler.close()
    (line,) = logs.tail(tmp_path, 5)
    said = json.loads(line)
    assert (said["level"], said["message"]) == ("error", 'a "quoted"\nline of ü')
    assert "ZeroDivisionError" in said["error"]
    assert said["time"].endswith("+00:00")


def test_logs_rotate_and_the_tail_spans_the_rotation(tmp_path: Path, logger: logging.Logger) -> None:
    handler = logs.also_to_file(tmp_path, Log(max_bytes=1000, keep=2))
    for number in range(200):
        logger.info("line %03d", number)
    handler.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scantune.log", "scantune.log.1", "scantune.log.2"]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())
    assert [line[-3:] for line in logs.tail(tmp_path, 20)] == [f"{number:03d}" for number in range(180, 200)]


def fill(folder: Path) -> None:
    """To the last byte."""
    with (folder / "ballast").open("wb", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(bytes(4096))


def test_a_full_disk_costs_lines_of_the_log_and_nothing_else(
    small_disk: Path, logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = logs.also_to_file(small_disk / "logs", Log(max_bytes=1 << 30))
    fill(small_disk)
    for number in range(500):
        logger.info("line %03d", number)
    (small_disk / "ballast").unlink()
    logger.info("there is room again")
    handler.close()
    assert capsys.readouterr().err == ""
    assert logs.tail(small_disk / "logs", 1)[0].endswith("there is room again")


def test_a_log_that_can_not_be_written_out_at_the_end_is_no_failure(
    small_disk: Path, logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = logs.also_to_file(small_disk / "logs", Log(max_bytes=1 << 30))
    fill(small_disk)
    for number in range(500):
        logger.info("line %03d", number)
    handler.close()
    assert capsys.readouterr().err == ""


def test_libraries_that_tell_secrets_are_kept_quiet(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    logger.handlers.clear()
    logs.start(Log(level="debug"))
    logging.getLogger("httpx2").info("GET https://storage.example/x?sig=secret")
    logging.getLogger("httpcore2.http11").debug("headers: Bearer secret")
    logging.getLogger("scantune").debug("seen")
    said = capsys.readouterr().err
    assert "seen" in said
    assert "secret" not in said


def test_looking_at_a_folder_leaves_nothing_in_it(tmp_path: Path) -> None:
    main(["--workspace", str(tmp_path), "service", "logs"])
    assert list(tmp_path.iterdir()) == []


def test_status_health_is_for_monitors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--workspace", str(tmp_path), "status", "--health"]) == Level.CRITICAL
    assert capsys.readouterr().out.startswith("CRITICAL: no watcher runs here")
    (tmp_path / "inbox").mkdir()
    Heartbeat(tmp_path / "state", "1", {}).start(SYSTEM.now())
    assert main(["--workspace", str(tmp_path), "status", "--health"]) in (Level.OK, Level.WARNING)  # low disk warns
    assert "CRITICAL" not in capsys.readouterr().out
