"""The two ways to drive an engine: one pass (`run`), or for as long as the process lives (`watch`)."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator

from watcher.clock import Clock
from watcher.engine import BUSY_SECONDS, Engine
from watcher.locks import held, holder, noted
from watcher.tally import Tally
from watcher.wake import POLL_SECONDS, Wake
from watcher.workspace import Workspace

log = logging.getLogger(__name__)
UNSETTLED_SECONDS = 30.0
"""One pass waits so long (and ten settling times) for files that are being written to."""


def run_pass(engine: Engine) -> Tally:
    """Takes what is there, waits for it to settle, drains every stage, and tells what happened."""
    clock, tally = engine.voice.clock, engine.tally
    last = clock.elapsed()
    patience = UNSETTLED_SECONDS + 10 * engine.tempo.settle_seconds
    while not engine.voice.stopping():
        if engine.round():
            last = clock.elapsed()
            continue
        waiting = tally.unsettled and clock.elapsed() - last < patience
        if engine.paused or not (waiting or engine.working or engine.busy):
            break
        clock.wait(engine.wake, min(engine.seconds_to_next(), BUSY_SECONDS))
        if engine.busy:
            engine.pending.rewind()
            engine.busy = False
    tally.stopped = engine.voice.stopping()
    tally.held |= engine.pending.held
    return tally


def watch(engine: Engine, turned: Callable[[], None] = lambda: None) -> None:
    """Works until it is asked to stop. The caller holds `only_watcher`.

    `turned` is called in every turn, at least once in `rescan_seconds` unless a single job takes longer.
    """
    clock, tempo = engine.voice.clock, engine.tempo
    wake = Wake(engine.workspace.inbox, engine.wake, tempo.polling)
    last_scan, wall = clock.elapsed(), clock.now()
    try:
        while not engine.voice.stopping():
            wake.ensure()
            turned()
            while not engine.voice.stopping() and engine.round():
                turned()
                if engine.wake.is_set():
                    engine.wake.clear()
                    engine.look_soon()
            period = min(tempo.rescan_seconds, POLL_SECONDS) if wake.polls else tempo.rescan_seconds
            rest = period - (clock.elapsed() - last_scan)
            woken = clock.wait(engine.wake, max(0.0, min(rest, engine.seconds_to_next())))
            engine.wake.clear()
            if woken:
                engine.look_soon()
            slept = abs((clock.now() - wall) - (clock.elapsed() - last_scan)) > period
            if slept or clock.elapsed() - last_scan >= period:
                last_scan, wall = clock.elapsed(), clock.now()
                engine.rescan()
            elif engine.busy or engine.is_due():
                engine.busy = False
                engine.pending.rewind()
    finally:
        wake.stop()


@contextlib.contextmanager
def only_watcher(workspace: Workspace, clock: Clock) -> Iterator[None]:
    """Holds the workspace's watcher lock. Raises Busy, with who holds it, if another process does."""
    file = workspace.make().lock("watcher")
    with held(file, f"{workspace.root} is watched already by {holder(file) or 'another process'}"), noted(file):
        yield
