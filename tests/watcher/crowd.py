"""Many processes at work in one workspace at once: `crowd.py ROLE ROOT SEED`, until ROOT/stop is there."""

from __future__ import annotations

import os
import random
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent


def drop(root: Path, chance: random.Random) -> None:
    """Files, folders, the same content again, bad content, and a change of mind."""
    inbox, n = root / "inbox", chance.randrange(10**9)
    contents = [b"%d " % chance.randrange(40) * chance.randrange(1, 5) for _ in range(chance.randrange(1, 20))]
    contents += [b"bad \0 %d" % chance.randrange(10)] if chance.random() < 0.3 else []
    folder = root / f"dropping-{n}"
    folder.mkdir()
    for m, content in enumerate(contents):
        (folder / str(m)).write_bytes(b"%d " % n * chance.randrange(2) + content)
    if chance.random() < 0.5:
        folder.rename(inbox / str(n))
    else:
        for file in folder.iterdir():
            file.rename(inbox / f"{n}-{file.name}")
        folder.rmdir()
    if chance.random() < 0.2:
        shutil.rmtree(chance.choice([*inbox.iterdir(), inbox / "nothing"]), ignore_errors=True)


def one_pass(root: Path, chance: random.Random) -> None:
    from toy_main import main

    assert main("run", root) in (0, 1)


def by_hand(root: Path, chance: random.Random) -> None:
    """One stage on something accepted, as `python -m handlers.STAGE` does it."""
    from toy import COUNT, UPPER
    from toy_main import TEMPO

    from watcher.execute import Voice
    from watcher.failures import perform
    from watcher.workspace import Workspace

    stage, pattern = chance.choice([(UPPER, "artifacts/*/*"), (COUNT, "upper/*/*")])
    there = sorted((root / "outbox").glob(pattern))
    for folder in chance.sample(there, min(5, len(there))):
        perform(Workspace(root), stage, [folder], TEMPO.retries, Voice())


def look(root: Path, chance: random.Random) -> None:
    """Everything that only asks, and must not see faults where others are at work; and what tidies up."""
    from toy import PIPELINE, digest
    from toy_main import TEMPO

    from watcher.again import retry_all
    from watcher.audit import audit
    from watcher.clock import SYSTEM
    from watcher.explain import why
    from watcher.failures import Schedule
    from watcher.index import Index
    from watcher.lineage import sightings, trace
    from watcher.overview import overview
    from watcher.prune import prunable, prune
    from watcher.workspace import Workspace

    workspace = Workspace(root)
    with Index(workspace, PIPELINE) as index:
        schedule = Schedule(workspace, TEMPO.retries)
        overview(workspace, PIPELINE, index, TEMPO.retries, SYSTEM)
        names = [*sightings(workspace)][-3:]
        for each in names:
            why(workspace, PIPELINE, index, schedule, SYSTEM, each.name)
            trace(workspace, PIPELINE, index, each.digest)
        why(workspace, PIPELINE, index, schedule, SYSTEM, digest(b"nothing"))
        prune(workspace, PIPELINE, prunable(workspace, PIPELINE, index, SYSTEM, 0.0, frozenset()))
        if chance.random() < 0.3:
            retry_all(workspace, schedule)
        faults = audit(workspace, PIPELINE, index, schedule).faults
        assert not faults, faults


ROLES: dict[str, Callable[[Path, random.Random], None]] = {
    "drop": drop,
    "pass": one_pass,
    "hand": by_hand,
    "look": look,
}


def main(role: str, root: Path, seed: str) -> int:
    from watcher import inbox

    inbox.GROUP = 16  # the inbox files of one group go when the next is flushed
    if role == "watch":
        import toy_main

        return toy_main.main("watch", root)
    chance, pause = random.Random(f"{role} {seed}"), threading.Event()
    while not (root / "stop").exists():
        ROLES[role](root, chance)
        pause.wait(chance.random() * 0.05)
    return 0


if __name__ == "__main__":
    sys.path[:0] = [os.fspath(HERE.parents[1]), os.fspath(HERE)]
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
