"""Model folders come into being as a whole: made as a hidden sibling, flushed, renamed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from watcher.errors import BadInput, Unavailable
from watcher.files import make_folder, remove_tree, surroundings, sync, sync_trees
from watcher.locks import held
from watcher.shown import is_text


@contextlib.contextmanager
def making(target: Path) -> Iterator[Path]:
    """Gives an empty folder beside `target` that becomes `target` when the block ends well.

    Nobody sees half a model; what a killed maker left is removed by the next one. Raises Unavailable if `target` is
    there already, or if another process makes a model in the same place.
    """
    with place(target.parent):
        if target.exists():
            raise Unavailable(f"{target} is there already", "remove it first to have it made again")
        scratch = target.with_name(f".{target.name}.making")
        remove_tree(scratch)
        yield make_folder(scratch)
        commit(scratch, target)


@contextlib.contextmanager
def place(folder: Path) -> Iterator[None]:
    """Holds the lock of a folder of models, to write there.

    Raises watcher.locks.Busy (an Unavailable) if another process has it, Unavailable if the disk is full.
    """
    lock = make_folder(folder) / ".scantune.lock"
    with held(lock, f"another process makes a model in {folder}"), surroundings(), tensors_written(folder):
        yield


@contextlib.contextmanager
def tensors_written(where: Path) -> Iterator[None]:
    """Turns MLX's complaint about what it can't write into Unavailable. It names no reason; mostly the disk is full.

    Raises BadInput for a path that MLX can't open.
    """
    if not is_text(str(where)):
        raise BadInput(f"{where}: MLX writes to paths in UTF-8 only", "rename the folder")
    try:
        yield
    except RuntimeError as error:
        if not str(error).startswith(("[write]", "[save_safetensors]")):
            raise
        raise Unavailable(f"{where} can't be written: {error}", "make room on the disk") from error


def commit(scratch: Path, target: Path) -> None:
    """Renames a finished folder to its name, which is free, durably; the caller holds the lock of the place."""
    with surroundings():
        sync_trees([scratch])
        scratch.rename(target)
        sync(target.parent)
