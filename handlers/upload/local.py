"""A publication as a folder that `hf upload` or rsync could ship: written aside, verified, then renamed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from handlers.upload.publication import Digests, Publication, differences, digests
from watcher.errors import Unavailable
from watcher.files import make_folder, remove_tree, surroundings, sync, sync_trees, tree
from watcher.locks import held


def publish(publication: Publication, files: Sequence[Digests], folder: Path) -> bool:
    """Makes `folder` hold exactly the publication; returns False if it did already.

    Raises Unavailable if the disk is full or the like, if another process publishes the same just now, or if what was
    written reads back differently.
    """
    make_folder(folder.parent)
    with surroundings(), held(_beside(folder, "lock"), f"{folder} is being published by another process", wait=False):
        _recover(folder)
        if folder.is_dir() and not faults(files, folder):
            return False
        _write(publication, _fresh(_beside(folder, "new")))
        if wrong := faults(files, _beside(folder, "new")):
            raise Unavailable(f"{folder}: {wrong[0]} reads back differently than it was written", "check the disk")
        _swap(folder)
        return True


def faults(files: Sequence[Digests], folder: Path) -> list[str]:
    """The paths that are missing, other, or too many in a published folder."""
    there = {path: digests(path, file).sha256 for path, file in _files(folder).items()}
    wrong = [each.path for each in differences(files, there)]
    return wrong + sorted(there.keys() - {each.path for each in files})


def _files(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in tree(folder) if path.is_file()}


def _beside(folder: Path, role: str) -> Path:
    return folder.with_name(f".{folder.name}.{role}")


def _recover(folder: Path) -> None:
    """After a kill between the two renames of `_swap`, the old folder is put back."""
    old = _beside(folder, "old")
    if old.is_dir() and not folder.is_dir():
        old.rename(folder)
    remove_tree(old)


def _fresh(folder: Path) -> Path:
    remove_tree(folder)
    return make_folder(folder)


def _write(publication: Publication, folder: Path) -> None:
    for path, source in publication.sources.items():
        target = folder / path
        make_folder(target.parent)
        if isinstance(source, bytes):
            target.write_bytes(source)
        else:
            shutil.copyfile(source, target)
    sync_trees([folder])


def _swap(folder: Path) -> None:
    if folder.is_dir():
        folder.rename(_beside(folder, "old"))
    _beside(folder, "new").rename(folder)
    sync(folder.parent)
    remove_tree(_beside(folder, "old"))
