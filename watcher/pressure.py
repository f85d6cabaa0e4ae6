"""Holds heavy stages back while the machine is short of disk, memory or power. Never the intake, never light stages."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from watcher.stage import Stage


@dataclass(frozen=True, slots=True)
class Machine:
    """What matters of the machine's state."""

    free_disk: int
    """Bytes on the workspace's volume."""
    free_memory: int
    """Bytes that a process can get without swapping."""
    battery_percent: float | None
    """None while on mains power, or without a battery."""


class Probe(Protocol):
    """Asks the machine how it is."""

    def __call__(self) -> Machine:
        """The machine as it is now."""


@dataclass(frozen=True, slots=True)
class Pressure:
    """Called with a stage: why it must wait, or None. A stage is heavy if it holds an accelerator's lock."""

    probe: Probe
    min_free_disk: int = 2_000_000_000
    min_free_memory: int = 500_000_000
    min_battery_percent: float = 30.0

    def __call__(self, stage: Stage) -> str | None:
        if not stage.lock:
            return None
        machine = self.probe()
        if machine.free_disk < self.min_free_disk:
            return f"waiting for disk space: {_gigabytes(machine.free_disk)} are free"
        if machine.free_memory < self.min_free_memory:
            return f"waiting for memory: {_gigabytes(machine.free_memory)} are free"
        if machine.battery_percent is not None and machine.battery_percent < self.min_battery_percent:
            return f"waiting for mains power: the battery is at {machine.battery_percent:.0f} %"
        return None


def no_pressure(stage: Stage) -> str | None:
    """For a person who asked for the work: nothing holds it back."""
    return None


def machine_of(folder: Path) -> Probe:
    """Asks the system about the machine and about a folder's volume; somebody may have cleared the folder itself."""

    def probe() -> Machine:
        there = next(each for each in (folder, *folder.parents) if each.exists())
        battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
        percent = None if battery is None or battery.power_plugged else float(battery.percent)
        return Machine(shutil.disk_usage(there).free, psutil.virtual_memory().available, percent)

    return probe


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
