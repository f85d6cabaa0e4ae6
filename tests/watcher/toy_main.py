"""The toy pipeline as a program: `watch ROOT`, `run ROOT`, or the stage `count` in a process of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from toy import COLLECT, COUNT, UPPER, count

from handlers.cli.signals import set_on_signals
from watcher.children import BUG, DONE, QUARANTINED, UNAVAILABLE
from watcher.clock import SYSTEM
from watcher.engine import Engine
from watcher.execute import Done, Voice
from watcher.failures import Retries, perform
from watcher.locks import Busy
from watcher.loop import only_watcher, run_pass, watch
from watcher.stage import Attempt, Outcome, Stage
from watcher.tempo import Tempo
from watcher.workspace import Workspace


def counting(root: Path, child: bool) -> Stage:
    """The second stage; as a child it does what the text says: die, or hang until asked to stop."""
    if not child:
        return COUNT

    def run(inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
        text = (inputs[0] / "text").read_bytes()
        if b"ABORT" in text:
            os.abort()
        if b"HANG" in text:
            Path(root / "hanging").touch()
            while not attempt.stopping():
                threading.Event().wait(0.01)
        return count(inputs, out, attempt)

    command = (sys.executable, "-P", __file__, "count", str(root))
    inline = 5_000 if (root / "small-ones-inline").exists() else 0
    return dataclasses.replace(COUNT, run=run, command=command, inline_bytes=inline)


def stages(root: Path, child: bool = False) -> tuple[Stage, ...]:
    if (root / "only-upper").exists():
        return (UPPER,)
    return UPPER, counting(root, child), COLLECT


TEMPO = Tempo(settle_seconds=0.0, rescan_seconds=1.0, drain_seconds=5.0, retries=Retries(0.05, 0.1, 3))


def main(verb: str, root: Path, *paths: str) -> int:
    stopping = threading.Event()
    voice = Voice(stopping=stopping.is_set)
    workspace = Workspace(root)
    if verb == "count":
        set_on_signals(stopping)
        stage = counting(root, child=True)
        return max(_one(workspace, stage, Path(path), voice) for path in paths)
    child = (root / "children").exists()
    try:
        with (
            only_watcher(workspace, SYSTEM) if verb == "watch" else contextlib.nullcontext(),
            Engine(workspace, stages(root, child), TEMPO, voice, patient=verb == "watch") as engine,
        ):
            set_on_signals(stopping, engine.wake)
            print("ready", flush=True)
            if verb == "watch":
                watch(engine)
                return 0
            return int(run_pass(engine).failed)
    except Busy as busy:
        print(busy.reason, flush=True)
        return 3


def _one(workspace: Workspace, stage: Stage, path: Path, voice: Voice) -> int:
    result = perform(workspace, stage, [path], TEMPO.retries, voice)
    if isinstance(result, Done):
        return DONE
    return QUARANTINED if not result.next else BUG if result.kind == "bug" else UNAVAILABLE


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]))
