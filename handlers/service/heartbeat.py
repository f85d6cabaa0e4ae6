"""The watcher's sign of life: a file for monitors, and a ping for systemd's watchdog."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping
from pathlib import Path

import msgspec

from watcher.files import make_folder

FILE = "heartbeat.json"
SECONDS = 15.0
"""The file is written at most once in this time."""


class Beat(msgspec.Struct, frozen=True):
    """What the file says."""

    process: int
    time: float  # wall-clock seconds since 1970
    program: str  # the version of scantune


class Heartbeat:
    """`beat(now)` is called from the watcher's loop, as often as it turns."""

    def __init__(self, state: Path, program: str, environment: Mapping[str, str] = os.environ) -> None:
        self._file = state / FILE
        self._program = program
        self._socket = environment.get("NOTIFY_SOCKET", "")
        self._last = float("-inf")

    def start(self, now: float) -> None:
        """Says that the watcher is at work; systemd waits for this (`Type=notify`)."""
        make_folder(self._file.parent)
        self._notify("READY=1")
        self.beat(now)

    def beat(self, now: float) -> None:
        """`now` in seconds since 1970; a clock that went back beats too."""
        if 0 <= now - self._last < SECONDS:
            return
        self._last = now
        self._write(Beat(os.getpid(), now, self._program))
        self._notify("WATCHDOG=1")

    def end(self) -> None:
        """The watcher ends as it should: no file, so that no monitor takes it for dead."""
        self._notify("STOPPING=1")
        self._file.unlink(missing_ok=True)

    def _write(self, beat: Beat) -> None:
        # Renamed, so that no monitor reads half of it; not flushed: after a power cut nobody was alive.
        beside = self._file.with_name(f".{FILE}.{os.getpid()}")
        with contextlib.suppress(OSError):  # a full disk must not end the watcher; the engine says what is wrong
            beside.write_bytes(msgspec.json.encode(beat))
            beside.replace(self._file)

    def _notify(self, message: str) -> None:
        """sd_notify(3): a datagram to the socket that systemd names; `@` stands for the abstract namespace."""
        if not self._socket:
            return
        address = "\0" + self._socket[1:] if self._socket.startswith("@") else self._socket
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            try:
                channel.connect(address)
                channel.send(message.encode())
            except OSError:
                return  # systemd will say what it misses
