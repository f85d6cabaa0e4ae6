"""Whether a monitor should worry, in the exit codes that monitors know: 0 fine, 1 warning, 2 critical, 3 unknown."""

from __future__ import annotations

import enum
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from handlers.service.heartbeat import FILE, SECONDS, Beat
from watcher.errors import Unavailable
from watcher.files import names, surroundings
from watcher.overview import cannot_write
from watcher.workspace import Workspace

LATE_SECONDS = 180.0
"""Without a beat for this long: a warning. The loop turns at least once a minute, but a large report holds it up."""
DEAD_SECONDS = 1200.0
LOW_DISK_BYTES = 2_000_000_000


class Level(enum.IntEnum):
    """The exit codes of monitoring plugins."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Health:
    """A level, and why it is no better; `str()` is the monitor's line."""

    level: Level
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.level.name}: {'; '.join(self.reasons)}"


def health(root: Path, now: float, *, alive: Callable[[int], bool] | None = None) -> Health:
    """The state of the watcher of a workspace; `now` in seconds since 1970."""
    found = [
        _watcher(root / "state" / FILE, now, alive or process_lives),
        *(_asked(look, Workspace(root)) for look in (_quarantine, _disk, _inbox)),
    ]
    bad = [each for each in found if each.level is not Level.OK] or found
    return Health(max(each.level for each in bad), tuple(reason for each in bad for reason in each.reasons))


def last_beat(root: Path) -> Beat | None:
    """What the watcher of a workspace said last, if one runs or died there."""
    try:
        return msgspec.json.decode((root / "state" / FILE).read_bytes(), type=Beat)
    except (OSError, msgspec.DecodeError):
        return None


def process_lives(process: int) -> bool:
    """Whether a process of this id lives, be it another user's."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _watcher(file: Path, now: float, alive: Callable[[int], bool]) -> Health:
    try:
        beat = msgspec.json.decode(file.read_bytes(), type=Beat)
    except FileNotFoundError:
        return Health(Level.CRITICAL, ("no watcher runs here: `scantune watch`, or `scantune service install`",))
    except OSError as error:
        return Health(Level.UNKNOWN, (f"{file}: {error.strerror}",))
    except msgspec.DecodeError as error:
        return Health(Level.UNKNOWN, (f"{file}: {error}",))
    silent = max(0.0, now - beat.time)
    if not alive(beat.process):
        return Health(Level.CRITICAL, (f"the watcher, process {beat.process}, died {silent:.0f} s ago or less",))
    if silent > DEAD_SECONDS:
        return Health(Level.CRITICAL, (f"the watcher has not turned for {silent:.0f} s",))
    if silent > LATE_SECONDS + SECONDS:
        return Health(Level.WARNING, (f"the watcher has not turned for {silent:.0f} s",))
    return Health(Level.OK, (f"the watcher, process {beat.process}, turned {silent:.0f} s ago",))


def _asked(look: Callable[[Workspace], Health], workspace: Workspace) -> Health:
    """A volume that does not answer tells no monitor that all is well."""
    try:
        with surroundings():
            return look(workspace)
    except Unavailable as error:
        return Health(Level.UNKNOWN, (error.reason,))


def _quarantine(workspace: Workspace) -> Health:
    count = sum(len(workspace.in_quarantine(stage)) for stage in names(workspace.quarantine))
    if count:
        return Health(Level.WARNING, (f"{count} in quarantine (`scantune status` says why)",))
    return Health(Level.OK, ("nothing in quarantine",))


def _disk(workspace: Workspace) -> Health:
    if not workspace.root.is_dir():
        return Health(Level.UNKNOWN, (f"{workspace.root}: there is no such workspace",))
    if wrong := cannot_write(workspace):
        return Health(Level.CRITICAL, (f"it stands still: {wrong}",))
    free = shutil.disk_usage(workspace.root).free
    level = Level.WARNING if free < LOW_DISK_BYTES else Level.OK
    return Health(level, (f"{free / 1e9:.1f} GB free",))


def _inbox(workspace: Workspace) -> Health:
    if workspace.root.is_dir() and (gone := workspace.inbox_gone()):
        return Health(Level.CRITICAL, (f"nothing is taken: {gone}",))
    return Health(Level.OK, ("the inbox is there",))
