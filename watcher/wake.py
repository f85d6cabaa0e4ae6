"""Wakes the engine when something may have changed in the inbox. Events are hints: all they do is set a flag.

They get lost (queues overflow, network folders send none, a deleted folder ends its emitter), so the engine looks by
itself every so often, and `ensure` puts a dead observer back to work each time.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import Literal

import psutil
from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from watcher.settling import CLAIM

log = logging.getLogger(__name__)
Polling = Literal["auto", "always", "never"]
POLL_SECONDS = 5.0
EVENTS: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]
SILENT = ("nfs", "cifs", "smb", "afpfs", "webdav", "davfs", "9p", "fuse", "vboxsf", "virtiofs", "prl_fs", "vmhgfs")
"""File systems (prefixes of their names) on which changes made elsewhere send no events."""


class _Flag(FileSystemEventHandler):
    def __init__(self, flag: threading.Event) -> None:
        self._flag = flag

    def on_any_event(self, event: FileSystemEvent) -> None:
        if CLAIM not in os.fsdecode(event.dest_path or event.src_path):  # our own renames
            self._flag.set()


class Wake:
    """Sets `flag` when something happens in a folder, or in the one in which a bell is rung."""

    def __init__(self, folder: Path, bell: Path, flag: threading.Event, polling: Polling) -> None:
        self._folder, self._bell, self._flag = folder, bell, flag
        self._observer: BaseObserver | None = None
        self._watched: tuple[int, int] | None = None
        self._why_not = ""
        self._polls = polling == "always" or (polling == "auto" and silent(folder))
        if self._polls:
            log.info("%s sends no change events that can be relied on: looking every %g s", folder, POLL_SECONDS)

    @property
    def polls(self) -> bool:
        """Nothing wakes the engine, so that it must look often."""
        return self._polls or self._observer is None

    def ensure(self) -> None:
        """Starts watching, or starts again if the folder was replaced or an observer thread has died."""
        if self._polls or self._alive():
            return
        self.stop()
        try:
            status = self._folder.stat()
            self._bell.mkdir(mode=0o700, exist_ok=True)  # somebody may have cleared the state
            observer = Observer()
            observer.schedule(_Flag(self._flag), os.fspath(self._folder), recursive=True, event_filter=EVENTS)
            observer.schedule(_Flag(self._flag), os.fspath(self._bell), event_filter=EVENTS)
            observer.start()
        except OSError as error:
            if str(error) != self._why_not:
                log.warning("no change events for %s (%s): looking every %g s", self._folder, error, POLL_SECONDS)
            self._why_not = str(error)
            return
        self._why_not = ""
        self._observer, self._watched = observer, (status.st_dev, status.st_ino)
        self._flag.set()  # what came before this moment sent no event

    def _alive(self) -> bool:
        observer = self._observer
        if observer is None or not observer.is_alive() or not all(each.is_alive() for each in observer.emitters):
            return False
        try:
            status = self._folder.stat()
        except OSError:
            return False
        return self._watched == (status.st_dev, status.st_ino)

    def stop(self) -> None:
        """Ends the observation, if there is one."""
        if self._observer:
            self._observer.stop()
            self._observer.join(5.0)
        self._observer = None


def silent(folder: Path) -> bool:
    """Whether the folder lies on a file system known to send no events for changes made elsewhere."""
    mounts = [each for each in psutil.disk_partitions(all=True) if folder.is_relative_to(each.mountpoint)]
    if not mounts:
        return False
    nearest = max(mounts, key=lambda each: len(each.mountpoint))
    return nearest.fstype.lower().startswith(SILENT)
