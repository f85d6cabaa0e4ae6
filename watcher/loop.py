"""The two ways to drive an engine: one pass (`run`), or for as long as the process lives (`watch`)."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator

from watcher import requests
from watcher.clock import Clock
from watcher.engine import BUSY_SECONDS, Engine
from watcher.locks import held, holder, noted
from watcher.tally import Tally
from watcher.wake import POLL_SECONDS, Wake
from watcher.workspace import Workspace

log = logging.getLogger(__name__)
JUMP_SECONDS = 5.0
"""The wall clock against the steady one: more than this is a jump, or the machine slept."""
GLANCE_SECONDS = 0.5
"""Whoever asks whether a workspace is watched holds its lock for an instant, which is not to keep a watcher away."""
UNSETTLED_SECONDS = 30.0
"""How long (beside ten settling times) one pass waits for files that are being written to."""


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
            if engine.paused or not engine.expecting:
                break
            engine.expecting = False  # what is not settled by now waits for the next pass
            continue
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
    workspace, tempo = engine.workspace, engine.tempo
    wake = Wake(workspace.inbox, requests.bell_folder(workspace), engine.wake, tempo.polling)
    rounds = _Rescans(engine, wake)
    try:
        while not engine.voice.stopping():
            wake.ensure()
            turned()
            while not engine.voice.stopping() and engine.round():
                turned()
                if engine.wake.is_set():
                    engine.wake.clear()
                    engine.inbox.look_soon()
            woken = engine.voice.clock.wait(engine.wake, min(rounds.rest(), engine.seconds_to_next()))
            engine.wake.clear()
            if woken:
                engine.inbox.look_soon()
            rounds.rescan_if_due()
    finally:
        wake.stop()


class _Rescans:
    """When to look at everything again: every so often, when poked, after the machine slept or its clock was set."""

    def __init__(self, engine: Engine, wake: Wake) -> None:
        self._engine, self._wake, self._clock = engine, wake, engine.voice.clock
        self._remember()

    def _remember(self) -> None:
        self._steady, self._wall = self._clock.elapsed(), self._clock.now()
        self._poked = requests.poked(self._engine.workspace)

    def _period(self) -> float:
        seconds = self._engine.tempo.rescan_seconds
        return min(seconds, POLL_SECONDS) if self._wake.polls else seconds

    def rest(self) -> float:
        """Seconds until the next rescan by the clock."""
        return max(0.0, self._period() - (self._clock.elapsed() - self._steady))

    def rescan_if_due(self) -> None:
        engine = self._engine
        jump = abs((self._clock.now() - self._wall) - (self._clock.elapsed() - self._steady))
        if self.rest() <= 0 or jump > JUMP_SECONDS or self._poked != requests.poked(engine.workspace):
            self._remember()
            engine.rescan()
        elif engine.busy or engine.pending.is_due():
            engine.busy = False
            engine.pending.rewind()


@contextlib.contextmanager
def only_watcher(workspace: Workspace, clock: Clock) -> Iterator[None]:
    """Holds the workspace's watcher lock. Raises Busy, with who holds it, if another process does."""
    file = workspace.make().lock("watcher")
    busy = f"{workspace.root} is watched already by {holder(file) or 'another process'}"
    until = clock.elapsed() + GLANCE_SECONDS
    with held(file, busy, wait=True, stopping=lambda: clock.elapsed() > until), noted(file):
        yield
