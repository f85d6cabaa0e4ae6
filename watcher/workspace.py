"""Where things lie: `inbox/`, `outbox/`, `quarantine/` and `state/` of one workspace."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import sys
from pathlib import Path

from watcher.files import make_folder, names
from watcher.stage import ARTIFACTS

RECEIPT = "receipt.json"
ARTIFACT = "artifact"
"""The name of the accepted file in its folder; the name that it was dropped under is no part of it."""

DIGEST = re.compile("[0-9a-f]{64}")


class Workspace:
    """The folders of one workspace; those below `state/` are made when asked for, readable by their owner only.

    `outbox` may lie elsewhere (`--output-dir`): it then is an outbox of its own, with its own accepted artifacts.
    """

    def __init__(self, root: Path, outbox: Path | None = None) -> None:
        self.root = root.absolute()
        self.inbox = self.root / "inbox"
        self.quarantine = self.root / "quarantine"
        self.outbox = outbox.absolute() if outbox else self.root / "outbox"
        self._outbox = os.fspath(self.outbox)
        # Schedule, locks and index belong to one outbox: another outbox has other books.
        self.state = self.outbox / ".state" if outbox else self.root / "state"
        self._resume = self.state / "resume"

    def __repr__(self) -> str:
        return f"Workspace({str(self.root)!r}, outbox={str(self.outbox)!r})"

    def make(self) -> Workspace:
        """Makes the four folders, but no inbox in place of one that is elsewhere: what is not there takes nothing.

        Raises Unavailable if that is not possible just now, and JobError.
        """
        for folder in (self.outbox, self.quarantine, self.state):
            make_folder(folder)
        if not self.inbox.is_symlink():
            make_folder(self.inbox)
        return self

    def job(self, stage: str, key: str) -> Path:
        """The folder of a finished job; it exists if and only if the job is done."""
        return Path(self.job_name(stage, key))

    def job_name(self, stage: str, key: str) -> str:
        """`job` as a string."""
        return f"{self._outbox}/{stage}/{key[:2]}/{key}"

    def accepted(self, digest: str) -> Path:
        """The accepted file with this content."""
        return Path(f"{self._outbox}/{ARTIFACTS}/{digest[:2]}/{digest}/{ARTIFACT}")

    def inbox_gone(self) -> str:
        """Why the inbox is not what it was, or "": an empty mount point is not an empty inbox.

        Raises OSError.
        """
        try:
            volume = self.inbox.stat().st_dev
        except FileNotFoundError:
            return f"{self.inbox} is not there"
        mark = self._inbox_is_a_volume
        if mark.exists() and volume == self.state.stat().st_dev:
            return (
                f"{self.inbox} was a volume of its own, which is not mounted now (if it never will be, delete {mark})"
            )
        return ""

    def note_inbox(self) -> None:
        """Writes down that the inbox is a volume of its own, if it is one. Raises OSError, and Unavailable."""
        with contextlib.suppress(FileNotFoundError):
            mounted = self.inbox.stat().st_dev != make_folder(self.state).stat().st_dev
            if mounted and not self._inbox_is_a_volume.exists():
                self._inbox_is_a_volume.touch()

    @property
    def _inbox_is_a_volume(self) -> Path:
        return self.state / "inbox-is-a-volume"

    def quarantined(self, stage: str, digest: str) -> Path:
        """The folder of an input (by digest) that a stage can't use."""
        return Path(f"{self.quarantine}/{stage}/{digest}")

    def in_quarantine(self, stage: str) -> list[str]:
        """The digests of the inputs that a stage can't use; what people put beside them is none. Raises Unavailable."""
        return [name for name in names(self.quarantine / stage) if DIGEST.fullmatch(name)]

    def resume(self, key: str) -> Path:
        """The folder of a job that outlives its attempts; not made."""
        return self._resume.joinpath(key)

    @functools.cache  # noqa: B019 - a workspace lives as long as its process
    def cache(self, stage: str) -> Path:
        """A folder for whatever a stage likes to keep; it may be emptied at any time."""
        return make_folder(self.state / "cache" / stage)

    def lock(self, name: str) -> Path:
        """The file of a lock; its folder is made."""
        return make_folder(self.state / "locks") / name


def user_lock(name: str) -> Path:
    """A lock file that all workspaces of this user on this machine share."""
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        base = Path(runtime)
    else:
        base = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return make_folder(base / "scantune" / "locks") / name
