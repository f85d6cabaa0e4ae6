"""Ends a pass with SIGKILL at a chosen instant, and proves the books afterwards."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from toy import PIPELINE, FakeClock, digest, one_pass

from watcher import files
from watcher.audit import audit
from watcher.engine import Engine
from watcher.execute import Voice
from watcher.failures import Retries, Schedule
from watcher.index import Index
from watcher.lineage import sightings
from watcher.loop import run_pass
from watcher.receipt import read_receipt
from watcher.stage import Stage
from watcher.tempo import Tempo
from watcher.workspace import Workspace

TEMPO = Tempo(settle_seconds=0.0)


def the_pass(workspace: Workspace, stages: Sequence[Stage] = PIPELINE) -> None:
    with Engine(workspace, stages, TEMPO, Voice(), patient=False) as engine:
        run_pass(engine)


def in_a_child(run: Callable[[], None], before_kill: float | None = None) -> bool:
    """Forks; True if the child came to its end by itself. After `before_kill` seconds it is killed from outside."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            run()
            status = 0
        finally:
            os._exit(status)  # whatever was raised: the child must not come back as a second test run
    pause, until = threading.Event(), time.monotonic() + (before_kill if before_kill is not None else float("inf"))
    ended, status = os.waitpid(child, os.WNOHANG)
    while not ended:
        if time.monotonic() >= until:
            os.kill(child, signal.SIGKILL)
            until = float("inf")
        pause.wait(0.001)
        ended, status = os.waitpid(child, os.WNOHANG)
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0, "the pass itself failed"
        return True
    return False


def killed_at(nth: int, run: Callable[[], None]) -> Callable[[], None]:
    """`run`, ended by SIGKILL just before the nth step of any kind."""

    def run_and_die() -> None:
        steps = iter(range(nth))

        def count(point: str) -> None:
            if next(steps, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        files.reached = count
        run()

    return run_and_die


def points_of(run: Callable[[], None]) -> list[str]:
    """The names of all steps of an undisturbed run, in their order."""
    seen: list[str] = []
    before = files.reached
    files.reached = seen.append
    try:
        run()
    finally:
        files.reached = before
    return seen


def outputs(workspace: Workspace) -> dict[str, str]:
    """What every job made, by its place."""
    folders = [path.parent for path in workspace.outbox.glob("*/*/*/receipt.json")]
    return {str(folder.relative_to(workspace.outbox)): read_receipt(folder).output_digest for folder in folders}


def prove(workspace: Workspace, dropped: Sequence[bytes], stages: Sequence[Stage] = PIPELINE) -> None:
    """Balanced books, nothing half-visible, each input done once, and nothing lost that was dropped."""
    with Index(workspace, stages) as index:
        report = audit(workspace, stages, index, Schedule(workspace, Retries()))
        assert report.faults == []
        for stage in stages:
            inputs = [job.input for job in index.jobs(stage.name)]
            assert len(inputs) == len(set(inputs)), f"{stage.name} did an input twice"
    waiting = {path.read_bytes() for path in workspace.inbox.rglob("*") if path.is_file()}
    accepted = {path.read_bytes() for path in workspace.outbox.glob("artifacts/*/*/artifact")}
    assert set(dropped) <= waiting | accepted
    noted = {each.digest for each in sightings(workspace)}
    assert {digest(content) for content in accepted - waiting} <= noted, "nobody knows where it came from"


def drop(workspace: Workspace, contents: Sequence[bytes], label: str = "") -> None:
    for n, content in enumerate(contents):
        (workspace.inbox / f".{label}{n}").write_bytes(content)
        (workspace.inbox / f".{label}{n}").rename(workspace.inbox / f"{label}{n}")


def undisturbed(folder: Path, contents: Sequence[bytes]) -> dict[str, str]:
    workspace = Workspace(folder).make()
    drop(workspace, contents)
    one_pass(workspace, FakeClock())
    return outputs(workspace)


def random_kills(folder: Path, count: int, seed: int) -> tuple[int, int]:
    """Keeps dropping and killing; returns how many passes were killed and how many jobs were done."""
    chance, workspace = random.Random(seed), Workspace(folder / "disturbed").make()
    dropped: list[bytes] = []
    kills = attempts = 0
    span = 0.2
    while kills < count:
        contents = [b"words " * chance.randrange(9) + b"%d %d" % (attempts, n) for n in range(chance.randrange(12))]
        contents += [b"bad \0 %d" % attempts] if chance.random() < 0.3 else []
        contents += [chance.choice(dropped)] if dropped and chance.random() < 0.3 else []
        drop(workspace, contents, f"{attempts}-")
        dropped += contents
        began = time.monotonic()
        if in_a_child(lambda: the_pass(workspace), chance.random() * span):
            span = 1.5 * (time.monotonic() - began)
        else:
            kills += 1
        attempts += 1
        prove(workspace, dropped)
    assert in_a_child(lambda: the_pass(workspace))
    prove(workspace, dropped)
    expected = undisturbed(folder / "undisturbed", dropped)
    found = outputs(workspace)
    # Collections built on the way are of sets that an undisturbed pass never saw.
    assert {name for name in found if not name.startswith("collect/")} == {
        name for name in expected if not name.startswith("collect/")
    }
    assert expected.items() <= found.items()
    return kills, len(found)
