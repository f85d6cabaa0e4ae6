"""Parts of an earlier build, kept as hard links beside the shards, so that a build writes only what is new.

A kept part is used if it was made of the same rows and nobody touched its files since. Where links can't be made (the
dataset lies on another volume), parts are written anew.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from handlers.records import Record

RECORD = "part.json"


class Kept(Record, frozen=True, kw_only=True):
    """Of each file its bytes, and when it was written, in nanoseconds: one that was changed in place is not used."""

    files: dict[str, tuple[int, int]]


class Keep:
    """The parts in the folder `folder`, each under its mark, which names the rows that it is made of."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._used: set[str] = set()

    def take(self, mark: str, out: Path, names: Sequence[str]) -> bool:
        """Links the files `names` of a kept part into `out`; False if there is none that can be used."""
        kept = self._folder / mark
        try:
            files = msgspec.json.decode((kept / RECORD).read_bytes(), type=Kept).files
            if files != _stamps(kept, names):
                return False
            for name in names:
                os.link(kept / name, out / name)
        except (OSError, msgspec.DecodeError):
            for name in names:  # what stayed would be written through into the earlier dataset
                (out / name).unlink(missing_ok=True)
            return False
        self._used.add(mark)
        return True

    def put(self, mark: str, out: Path, names: Sequence[str]) -> None:
        """Keeps files of `out`, if that can be: another build or `prune` may be at work here."""
        kept = self._folder / mark
        shutil.rmtree(kept, ignore_errors=True)
        try:
            kept.mkdir(parents=True)
            for name in names:
                os.link(out / name, kept / name)
            (kept / RECORD).write_bytes(msgspec.json.encode(Kept(files=_stamps(kept, names))))
        except OSError:
            shutil.rmtree(kept, ignore_errors=True)
            return
        self._used.add(mark)

    def forget(self) -> None:
        """Removes the parts that were neither taken nor put, so that they use no disk when their dataset is gone."""
        for each in self._folder.glob("*"):
            if each.name not in self._used:
                shutil.rmtree(each, ignore_errors=True)


def _stamps(folder: Path, names: Sequence[str]) -> dict[str, tuple[int, int]]:
    found = {name: (folder / name).stat() for name in names}
    return {name: (each.st_size, each.st_mtime_ns) for name, each in found.items()}
