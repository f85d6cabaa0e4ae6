"""The engine with very many files: cost of each, memory, and starting over what is finished.

Run it with `python benchmarks/backlog.py`; `--files N` at once, `--folder DIR` the disk to measure. What is measured of
a process (memory, start, idle CPU) is measured in a fresh one.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from engine import PIPELINE, TEMPO, Watching, drop, engine

from watcher.engine import Engine
from watcher.execute import Voice
from watcher.loop import run_pass
from watcher.workspace import Workspace

SMALL = 1000


class _Turns(Engine):
    """Times each tenth of the files, and after it a few files in a workspace of their own.

    The speed of a machine may change twofold within a minute: only neighbours can be compared.
    """

    def prepare(self, beside: Path, count: int) -> None:
        self.beside, self.tenth = beside, count // 10
        self.many: list[float] = []
        self.few: list[float] = []
        self.began = time.perf_counter()

    def round(self) -> bool:
        moved = super().round()
        if self.tally.done["three"] >= self.tenth * (len(self.many) + 1):
            self.many.append((time.perf_counter() - self.began) / self.tenth)
            self.few.append(engine(self.beside / str(len(self.few)), SMALL) / SMALL)
            self.began = time.perf_counter()
        return moved


def through(folder: Path, count: int) -> None:
    """What a file costs among many and among few."""
    workspace = Workspace(folder / "many").make()
    engine(folder / "warm", SMALL)
    drop(workspace.inbox, count)
    with _Turns(workspace, PIPELINE, TEMPO, Voice(), patient=False) as each:
        each.prepare(folder / "few", count)
        tally = run_pass(each)
    assert tally.done["three"] == count
    ratios = [many / few for many, few in zip(each.many, each.few, strict=True)]
    print(f"{count} files at once through three stages: {10 / sum(each.many):.0f} files/s, none lost")
    print(f"cost of each: {statistics.median(ratios):.2f} x that of {SMALL}; by tenths", *(f"{r:.2f}" for r in ratios))
    print(f"largest resident memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6:.0f} MB")


def start(folder: Path) -> None:
    """How long until ready over what is finished, thrice, then memory, and CPU while nothing happens."""
    for attempt in ("first start right after", "start after a kill", "start later"):
        if attempt == "start after a kill":
            _forget_times(folder / "many" / "state" / "index.sqlite")
        began = time.perf_counter()
        with Watching(folder / "many") as watching:
            watching.ready.wait()
            print(f"{attempt}: ready in {time.perf_counter() - began:.2f} s")
            if attempt == "start later":
                cpu = time.process_time()
                time.sleep(60)
                print(f"idle CPU: {time.process_time() - cpu:.2f} s a minute")
                print(f"resident memory, idle: {_resident():.0f} MB")
        time.sleep(3)  # a folder that changed in the last two seconds proves nothing


def _forget_times(index: Path) -> None:
    """What a process that was killed after work in every shard leaves: no shard is known to be as it was entered."""
    database = sqlite3.connect(index)
    with database:
        database.execute("UPDATE shards SET changed = 0")
    database.close()


def waiting(folder: Path, count: int) -> None:
    """Memory while accepted files wait for a stage that does not take them yet."""
    workspace = Workspace(folder / "waiting").make()
    held = dataclasses.replace(PIPELINE[0], ready=lambda inputs: "held")
    with Engine(workspace, (held,), TEMPO, Voice(), patient=True) as each:
        for tenth in range(10):
            drop(workspace.inbox, count // 10, tenth * (count // 10))
            each.rescan()
            while each.round():
                pass
            if tenth in (0, 9):
                each.rescan()
                each.round()
                print(f"{each.index.count('waiting', held.name)} waiting: {_resident():.0f} MB")


def _resident() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--part", choices=("through", "start", "waiting"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    if args.part == "start":
        start(args.folder)
    elif args.part:
        {"through": through, "waiting": waiting}[args.part](args.folder, args.files)
    else:
        _all(Path(tempfile.mkdtemp(dir=args.folder)), args.files)


def _all(folder: Path, files: int) -> None:
    try:
        for part, count in (("through", files), ("start", files), ("waiting", 2 * files)):
            options = ["--part", part, "--files", str(count), "--folder", str(folder)]
            subprocess.run([sys.executable, __file__, *options], check=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
