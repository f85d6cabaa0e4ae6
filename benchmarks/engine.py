"""The engine against a durable loop, the obvious stack, and task queues, side by side in one run.

The work: files of 2 KB dropped by rename into a workspace with three chained stages, each of which parses, hashes, adds
a field and writes. Run it with `python benchmarks/engine.py`; `--peers PYTHON` names an interpreter in which huey,
Celery and Luigi are installed, `--folder DIR` the disk to measure.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import logging
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from watcher.engine import Engine
from watcher.execute import Voice
from watcher.loop import run_pass, watch
from watcher.stage import ARTIFACTS, Attempt, Outcome, Stage
from watcher.tempo import Tempo
from watcher.workspace import Workspace

STAGES = ("one", "two", "three")
SIZE = 2000
TEMPO = Tempo(settle_seconds=0.0)
HERE = Path(__file__).parent
SLOW = {"luigi": 100}
"""Fewer files for whom the time of one grows with the number of all."""


def step(name: str, data: bytes) -> bytes:
    """The work of one stage: parse, hash, add a field."""
    record = msgspec.json.decode(data)
    record[name] = hashlib.sha256(data).hexdigest()
    return msgspec.json.encode(record)


def content(n: int) -> bytes:
    return msgspec.json.encode({"n": n, "text": "x" * SIZE})


def _stage(name: str, source: str) -> Stage:
    def run(inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
        file = inputs[0] if source == ARTIFACTS else inputs[0] / "data.json"
        (out / "data.json").write_bytes(step(name, file.read_bytes()))
        return Outcome()

    return Stage(name, "1", (source,), run)


PIPELINE = tuple(_stage(name, source) for name, source in zip(STAGES, (ARTIFACTS, *STAGES), strict=False))


def drop(inbox: Path, count: int, first: int = 0) -> None:
    beside = inbox.parent / ".dropping"
    for n in range(first, first + count):
        beside.write_bytes(content(n))
        beside.rename(inbox / f"{n}.json")
    os.sync()


def flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


# -- the contestants: each takes `count` files through the three stages in an empty folder; seconds -----------------


def engine(folder: Path, count: int) -> float:
    workspace = Workspace(folder).make()
    drop(workspace.inbox, count)
    began = time.perf_counter()
    with Engine(workspace, PIPELINE, TEMPO, Voice(), patient=False) as each:
        tally = run_pass(each)
    seconds = time.perf_counter() - began
    assert tally.done["three"] == count
    return seconds


def _folders(folder: Path, count: int) -> list[Path]:
    folders = [folder / name for name in ("inbox", *STAGES)]
    for each in folders:
        each.mkdir(parents=True)
    drop(folders[0], count)
    return folders


def durable_loop(folder: Path, count: int) -> float:
    """Write, flush, rename, flush the folder, one output after the other, one thread."""
    folders = _folders(folder, count)
    began = time.perf_counter()
    for n in range(count):
        for name, source, target in zip(STAGES, folders, folders[1:], strict=False):
            _durable(step(name, (source / f"{n}.json").read_bytes()), target / f"{n}.json")
    return time.perf_counter() - began


def _durable(data: bytes, target: Path) -> None:
    beside = target.with_suffix(".tmp")
    beside.write_bytes(data)
    flush(beside)
    beside.rename(target)
    flush(target.parent)


def batched_loop(folder: Path, count: int) -> float:
    """The same with 64 outputs made durable by one syncfs: about what the disk can do."""
    folders = _folders(folder, count)
    libc, handle = ctypes.CDLL(None), os.open(folder, os.O_RDONLY)
    began = time.perf_counter()
    for name, source, target in zip(STAGES, folders, folders[1:], strict=False):
        for first in range(0, count, 64):
            group = range(first, min(first + 64, count))
            for n in group:
                (target / f"{n}.tmp").write_bytes(step(name, (source / f"{n}.json").read_bytes()))
            libc.syncfs(handle)
            for n in group:
                (target / f"{n}.tmp").rename(target / f"{n}.json")
    libc.syncfs(handle)
    seconds = time.perf_counter() - began
    os.close(handle)
    return seconds


def naive(folder: Path, count: int) -> float:
    """watchdog + filelock + tenacity as most people would write it: an event, a lock and a durable write a file."""
    from filelock import FileLock
    from tenacity import retry, stop_after_attempt
    from watchdog.events import FileSystemEvent, FileSystemEventHandler
    from watchdog.observers import Observer

    folders = _folders(folder, 0)
    done = threading.Semaphore(0)

    class Handler(FileSystemEventHandler):
        def __init__(self, name: str, target: Path) -> None:
            self.name, self.target = name, target

        def on_moved(self, event: FileSystemEvent) -> None:
            path = Path(os.fsdecode(event.dest_path))
            if path.suffix == ".json":
                self.work(path)

        def on_created(self, event: FileSystemEvent) -> None:
            path = Path(os.fsdecode(event.src_path))
            if path.suffix == ".json":
                self.work(path)

        @retry(stop=stop_after_attempt(3))
        def work(self, path: Path) -> None:
            with FileLock(f"{folder}/{self.name}.lock"):
                _durable(step(self.name, path.read_bytes()), self.target / path.name)
            if self.name == STAGES[-1]:
                done.release()

    observer = Observer()
    for name, source, target in zip(STAGES, folders, folders[1:], strict=False):
        observer.schedule(Handler(name, target), str(source))
    observer.start()
    began = time.perf_counter()
    drop(folders[0], count)
    for _ in range(count):
        assert done.acquire(timeout=60)
    seconds = time.perf_counter() - began
    observer.stop()
    observer.join()
    return seconds


def peer(python: str, name: str) -> Callable[[Path, int], float]:
    def run(folder: Path, count: int) -> float:
        folders = _folders(folder, count)
        command = [python, str(HERE / "peers.py"), name, str(folders[0].parent), str(count)]
        said = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""})
        assert len(list(folders[-1].glob("*.json"))) == count
        return float(said.stdout.splitlines()[-1])

    return run


# -- one file at a time ---------------------------------------------------------------------------------------------


class Watching:
    """The engine watching in a thread of this process."""

    def __init__(self, folder: Path, tempo: Tempo = TEMPO) -> None:
        self.workspace = Workspace(folder).make()
        self.stop, self.ready = threading.Event(), threading.Event()
        self.tempo = tempo
        self.thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        voice = Voice(stopping=self.stop.is_set)
        with Engine(self.workspace, PIPELINE, self.tempo, voice, patient=True) as self.engine:
            watch(self.engine, self.ready.set)

    def __enter__(self) -> Watching:
        self.thread.start()
        self.ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.engine.wake.set()
        self.thread.join()


def latencies(folder: Path, count: int) -> list[float]:
    """Milliseconds from the rename into the inbox until the third output is there and durable: the dropped file goes.

    Each file is alone in an idle system.
    """
    found = []
    with Watching(folder) as watching:
        for n in range(count):
            time.sleep(0.05)
            beside = watching.workspace.inbox.parent / ".dropping"
            beside.write_bytes(content(n))
            before = watching.engine.tally.done["three"]
            dropped = watching.workspace.inbox / f"{n}.json"
            began = time.perf_counter()
            beside.rename(dropped)
            while watching.engine.tally.done["three"] == before or dropped.exists():
                time.sleep(0.0001)
            found.append(1000 * (time.perf_counter() - began))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--peers", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    base = Path(tempfile.mkdtemp(dir=args.folder))
    try:
        found = sorted(latencies(base / "latency", 200))  # first: what the others wrote keeps the disk busy for a while
        compare(base, args.files, args.rounds, args.peers)
        print(f"\none file, idle: p50 {statistics.median(found):.1f} ms, p99 {found[int(len(found) * 0.99)]:.1f} ms")
    finally:
        shutil.rmtree(base)


def compare(base: Path, count: int, rounds: int, peers: str | None) -> None:
    """Takes turns, so that a busy moment of the machine hits all; the best round of each counts.

    Nothing is removed before the end: an ext4 without a journal passes over every inode that was freed in the last
    half minute, and what one contestant's files cost when they go would be paid by the next.
    """
    contestants: dict[str, Callable[[Path, int], float]]
    contestants = {"engine": engine, "durable loop": durable_loop, "64 per syncfs": batched_loop, "naive stack": naive}
    for name in ("huey", "celery", "luigi") if peers else ():
        contestants[name] = peer(str(peers), name)
    best = dict.fromkeys(contestants, float("inf"))
    for n in range(rounds):
        for name, run in contestants.items():
            files = min(count, SLOW.get(name, count))
            best[name] = min(best[name], run(base / f"{name}-{n}", files) * count / files)
            print(f"round {n}: {name} {count / best[name]:.0f} files/s", file=sys.stderr, flush=True)
    print(f"{count} files of 2 KB through three stages, best of {rounds}\n")
    print(f"{'':16}{'files/s':>10}{'engine is':>14}")
    for name, seconds in sorted(best.items(), key=lambda item: item[1]):
        print(f"{name:16}{count / seconds:>10.0f}{seconds / best['engine']:>12.1f} x")


if __name__ == "__main__":
    main()
