"""Where nothing can be written, whoever asks is answered all the same, and told why nothing goes on."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.cli.main import main
from watcher import clock
from watcher.clock import SystemClock

ASKED = (["status"], ["why", "picture.bin"], ["trace", "picture.bin"], ["doctor"])


def answer(capsys: pytest.CaptureFixture[str], root: Path, *words: str) -> tuple[int, str, str]:
    status = main(["--workspace", str(root), *words])
    told = capsys.readouterr()
    return status, told.out, told.err


def lasting(told: str) -> list[str]:
    """What an answer says of the workspace, and not of the machine."""
    return [line for line in told.splitlines() if not line.startswith(("stands still: ", "warning: "))]


def fill(folder: Path) -> None:
    """To the last byte."""
    with (folder / "ballast").open("wb", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(bytes(4096))


@pytest.fixture(params=["full", "read-only"])
def hindered(request: pytest.FixtureRequest, small_disk: Path, worked_in: Path) -> tuple[Path, str]:
    """A workspace whose volume takes nothing, and what is said of it; neither index nor version is there yet."""
    root = shutil.copytree(worked_in, small_disk / "workspace")
    for file in (*(root / "state").glob("index.sqlite*"), root / "state" / "version.json"):
        file.unlink()
    if request.param == "full":
        fill(small_disk)
        return root, "the disk is full (0 bytes are free)"
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    return root, "the volume is read-only"


def test_status_tells_what_it_knows_and_what_is_wrong(
    hindered: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    root, wrong = hindered
    status, told, beside = answer(capsys, root, "status")
    assert status == 0
    assert f"stands still: {wrong}\n" in told
    assert "analysis: picture.bin (in quarantine): " in told
    assert beside == f"scantune: {wrong}; the answer is worked out from the folders alone\n"
    view = json.loads(answer(capsys, root, "status", "--json")[1])
    assert view["unwritable"] == wrong
    assert [each["done"] for each in view["stages"]][:2] == [1, 0]
    assert view["stages"][1]["quarantined"] == 1


@pytest.mark.parametrize("words", ASKED[1:], ids=lambda words: words[0])
def test_every_question_is_answered(
    hindered: tuple[Path, str], capsys: pytest.CaptureFixture[str], worked_in: Path, words: list[str]
) -> None:
    root, wrong = hindered
    expected = answer(capsys, worked_in, *words)[1]
    status, told, beside = answer(capsys, root, *words)
    assert status == 0
    assert lasting(told.replace(str(root), str(worked_in))) == lasting(expected)
    assert wrong in beside
    assert len(beside.splitlines()) == 1
    json.loads(answer(capsys, root, *words, "--json")[1])


@pytest.mark.parametrize("words", ASKED, ids=lambda words: words[0])
def test_an_index_that_can_not_be_opened_hinders_nobody_who_asks(
    workspace: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    expected = answer(capsys, workspace, *words)[1]
    for file in (workspace / "state").glob("index.sqlite*"):
        file.unlink()
    (workspace / "state" / "index.sqlite").mkdir()  # SQLite can't open that
    status, told, beside = answer(capsys, workspace, *words)
    assert status == 0
    assert lasting(told) == lasting(expected)
    assert beside.startswith("scantune: the index: unable to open database file; ")


def test_who_wants_something_done_is_told_that_it_can_not_be(
    hindered: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, beside = answer(capsys, hindered[0], "run")
    assert status == 1
    assert len(beside.splitlines()) == 1
    assert beside.endswith(" — run it again once that is over\n")


@pytest.fixture
def signals() -> Iterator[None]:
    """What `watch` does about signals ends with the test."""
    before = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT)}
    yield
    for name, handler in before.items():
        signal.signal(name, handler)


class Stopped(SystemClock):
    """The watcher is asked to end the first time that it waits."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        event.set()
        return True


@pytest.mark.usefixtures("signals")
def test_a_watcher_says_that_it_can_not_begin_and_waits(
    hindered: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    root, wrong = hindered
    monkeypatch.setattr(clock, "SYSTEM", Stopped())
    assert main(["--workspace", str(root), "watch"]) == 0
    assert f"{wrong}: waiting until that is over" in caplog.messages


class Mended(SystemClock):
    """There is room again after the first wait; once the dropped file is taken, the watcher is asked to end."""

    def __init__(self, ballast: Path, dropped: Path) -> None:
        self._ballast, self._dropped = ballast, dropped

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self._ballast.unlink()
        return False

    def now(self) -> float:
        if not self._dropped.exists():
            signal.raise_signal(signal.SIGTERM)
        return super().now()


@pytest.mark.usefixtures("signals")
def test_a_watcher_begins_once_there_is_room(
    small_disk: Path, worked_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = shutil.copytree(worked_in, small_disk / "workspace")
    (root / "state" / "index.sqlite").unlink()
    dropped = root / "inbox" / "another.bin"
    dropped.write_bytes(b"no report either")
    fill(small_disk)
    monkeypatch.setattr(clock, "SYSTEM", Mended(small_disk / "ballast", dropped))
    for name in ("SETTLE", "RESCAN"):
        monkeypatch.setenv(f"SCANTUNE_INTAKE__{name}_SECONDS", "0" if name == "SETTLE" else "1")
    assert main(["--workspace", str(root), "watch"]) == 0
    assert len(list((root / "outbox" / "artifacts").glob("*/*"))) == 2
