"""The machine stays usable: training rests while it runs on battery, runs out of memory, or is throttled by heat."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import psutil

from config.settings import Comfort

LOOK_SECONDS = 10.0
"""Two looks at the machine are at least this far apart."""
REST_SECONDS = 30.0
"""How long it rests before it looks again."""
NICENESS = 5
"""Of a training that the watcher starts; a person who types `scantune train` waits for it."""


class Machine(Protocol):
    """What is asked of the machine."""

    def on_battery(self) -> bool: ...
    def free_memory(self) -> int:
        """Bytes that a new program could have without anything being swapped out."""

    def throttled(self) -> bool:
        """Whether the processor is slowed down because it is hot."""


class ThisMachine:
    """The machine that this process runs on, by psutil and, on a Mac, pmset(1)."""

    def on_battery(self) -> bool:
        battery = psutil.sensors_battery()
        return battery is not None and battery.power_plugged is False

    def free_memory(self) -> int:
        return int(psutil.virtual_memory().available)

    def throttled(self) -> bool:
        """macOS: `pmset -g therm` names a speed limit below 100 %. Elsewhere nothing is known, which counts as no."""
        if sys.platform != "darwin":
            return False
        try:
            said = subprocess.run(
                ["/usr/bin/pmset", "-g", "therm"], capture_output=True, text=True, timeout=5, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return speed_limit(said.stdout) < 100


def speed_limit(text: str) -> int:
    """Per cent, of what `pmset -g therm` says; 100 if it names none."""
    found = re.search(r"CPU_Speed_Limit\s*=\s*(\d+)", text)
    return int(found[1]) if found else 100


def strain(machine: Machine, wanted: Comfort) -> str | None:
    """Why training should rest now, or None."""
    if wanted.pause_on_battery and machine.on_battery():
        return "the machine runs on battery (fine_tuning.comfort.pause_on_battery)"
    free = machine.free_memory() / 1e9
    if free < wanted.min_free_gb:
        return f"only {free:.1f} GB of memory are free (fine_tuning.comfort.min_free_gb)"
    if wanted.pause_when_hot and machine.throttled():
        return "the processor is throttled by heat (fine_tuning.comfort.pause_when_hot)"
    return None


@dataclass
class Keeper:
    """Lets a training rest while the machine is under strain; clock and sleep are arguments."""

    wanted: Comfort
    machine: Machine = field(default_factory=ThisMachine)
    now: Callable[[], float] = time.monotonic
    rest: Callable[[float], None] = time.sleep
    looked: float = float("-inf")

    def heed(self, say: Callable[[str], None], stopping: Callable[[], bool]) -> float:
        """Returns after how many seconds of rest training may go on, or is asked to end."""
        began = self.now()
        if began - self.looked < LOOK_SECONDS:
            return 0.0
        reason = None
        while (now := strain(self.machine, self.wanted)) and not stopping():
            if now != reason:
                say(f"resting: {now}")
                reason = now
            self.rest(REST_SECONDS)
        self.looked = self.now()
        if reason and not stopping():
            say("going on")
        return self.looked - began
