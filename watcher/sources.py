"""What a path means as the input of a job: an accepted artifact, a finished job, or a loose file."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from watcher import files
from watcher.errors import BadInput, Unavailable
from watcher.receipt import Output, read_receipt, tree_digest
from watcher.stage import ARTIFACTS, Stage
from watcher.workspace import ARTIFACT, RECEIPT

KEY_LENGTH = 64


class Source(msgspec.Struct, frozen=True):
    """One input of a job. Its digest is of content alone, so that a loose copy of an artifact is the same input."""

    path: Path
    digest: str
    stage: str = ""
    """The stage whose finished job this is (`artifacts` for an accepted file); "" for a loose file or folder."""
    key: str = ""


def size_of(path: Path) -> int:
    """Of a file, or of all in a folder, in bytes; 0 if it goes meanwhile."""
    try:
        return sum(each.lstat().st_size for each in files.tree(path)) if path.is_dir() else path.lstat().st_size
    except FileNotFoundError:
        return 0


def is_large(stage: Stage, sources: Sequence[Source]) -> bool:
    """Whether a job of an inline stage gets a process of its own all the same."""
    return 0 < stage.inline_bytes < sum(size_of(source.path) for source in sources)


def identify(path: Path) -> Source:
    """Says what a path given by a person or by the engine is. Raises BadInput if there is nothing to take."""
    path = path.absolute()
    if folder := _job_folder(path):
        return of_job(folder)
    with files.surroundings(), contextlib.suppress(FileNotFoundError, NotADirectoryError):  # gone while it was read
        if path.is_file():
            return Source(path, files.hash_file(path)[0])
        if path.is_dir():
            return Source(path, _loose_tree(path))
    raise BadInput(f"{path}: there is no such file or folder", "check the path")


def of_job(folder: Path) -> Source:
    """The source that a finished job, or an accepted artifact, is for later stages. Raises ReceiptError."""
    receipt = read_receipt(folder)
    path = folder / ARTIFACT if receipt.stage == ARTIFACTS else folder
    return Source(path, receipt.output_digest, receipt.stage, receipt.key)


def _job_folder(path: Path) -> Path | None:
    for folder in (path, *path.parents):
        if len(folder.name) == KEY_LENGTH and (folder / RECEIPT).is_file():
            return folder
    return None


def _loose_tree(folder: Path) -> str:
    inside = [path for path in files.tree(folder) if path.is_file() and not path.is_symlink()]
    return tree_digest({os.fspath(path.relative_to(folder)): Output(*files.hash_file(path)) for path in inside})


def private_copy(sources: Sequence[Source], beside: str) -> AbstractContextManager[list[Path]]:
    """The paths that a run may read: what is not in the outbox is copied first, and is what its digest says.

    Raises Unavailable if a loose input changed since it was identified.
    """
    if all(source.stage for source in sources):
        return contextlib.nullcontext([source.path for source in sources])
    return _copies(sources, Path(beside))


@contextlib.contextmanager
def _copies(sources: Sequence[Source], copies: Path) -> Iterator[list[Path]]:
    try:
        yield [source.path if source.stage else _copied(source, copies / str(n)) for n, source in enumerate(sources)]
    finally:
        with contextlib.suppress(OSError):
            files.remove_tree(copies)


def _copied(source: Source, target: Path) -> Path:
    files.remove_tree(target)
    files.make_folder(target)
    files.reached("private copy")
    if source.path.is_dir():
        for path in files.tree(source.path):
            if path.is_file() and not path.is_symlink():
                files.make_folder((target / path.relative_to(source.path)).parent)
                _copy_file(path, target / path.relative_to(source.path))
        copy, digest = target, _loose_tree(target)
    else:
        copy = target / ARTIFACT
        digest = _copy_file(source.path, copy)
    if digest != source.digest:
        raise Unavailable(f"{source.path} changed while it was being read", "try again once nobody writes to it")
    return copy


def _copy_file(source: Path, target: Path) -> str:
    handle = os.open(source, os.O_RDONLY)
    try:
        return files.copy_hashed(functools.partial(os.read, handle), target)[0]
    finally:
        os.close(handle)
