"""The folder of inputs that can never succeed: `quarantine/STAGE/DIGEST/` with the reason and the file beside it."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from pathlib import Path

from watcher import files
from watcher.intake import LARGE
from watcher.workspace import Workspace


def put(workspace: Workspace, stage: str, digest: str, reason: bytes, accepted: Path | None) -> None:
    """Puts an input into quarantine, as a whole: `reason.json`, and beside it what was accepted, if that is one file.

    Raises Unavailable.
    """
    folder, scratch = workspace.quarantined(stage, digest), _scratch(workspace, digest)
    with files.surroundings():
        files.reached("quarantine")
        files.remove_tree(scratch)
        files.make_folder(scratch)
        (scratch / "reason.json").write_bytes(reason)
        if accepted and accepted.is_file():
            _show(accepted, scratch / accepted.name)
        files.sync_trees([str(scratch)])
        release(workspace, stage, digest)
        files.make_folder(folder.parent)
        files.reached("quarantine rename")
        try:
            scratch.rename(folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            files.remove_tree(scratch)  # another process came to the same end just now
        files.sync_names([str(folder)])


def _show(accepted: Path, beside: Path) -> None:
    """A copy: whoever mends it in place must not change what was accepted.

    Of a large file a link to it, which nobody may write to: a disk that is almost full must not keep the others
    waiting. Where there are no links there is nothing: the reason says where the file lies.
    """
    if accepted.stat().st_size <= LARGE:
        shutil.copyfile(accepted, beside)
        return
    with contextlib.suppress(OSError):
        accepted.chmod(0o400)
        os.link(accepted, beside)


def release(workspace: Workspace, stage: str, digest: str) -> None:
    """Takes an input out of quarantine, as a whole; one that is not there is fine."""
    folder, scratch = workspace.quarantined(stage, digest), _scratch(workspace, f"{digest}.old")
    with contextlib.suppress(FileNotFoundError):
        files.remove_tree(scratch)
        folder.rename(scratch)
        files.remove_tree(scratch)


def _scratch(workspace: Workspace, name: str) -> Path:
    return files.make_folder(workspace.quarantine / ".scratch") / f"{os.getpid()}.{name}"
