"""`scantune watch`: the long-lived process; launchd and systemd keep it alive."""

from __future__ import annotations

import argparse
import logging
import sys
import threading

from handlers.cli.signals import set_on_signals
from handlers.context import Context
from watcher.workspace import Workspace

log = logging.getLogger(__name__)
WATCHED_ALREADY = 3
AGAIN_SECONDS = 15.0
"""How long to wait where the workspace does not let it begin."""


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("watch", help="carry what is dropped into inbox/ through all stages, until told to end")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Where the workspace does not let it begin (a full disk, say), it waits until that is over."""
    from watcher.clock import SYSTEM
    from watcher.errors import Unavailable
    from watcher.locks import Busy
    from watcher.overview import cannot_write

    stopping = threading.Event()
    told = ""
    while True:
        try:
            _watch(context, stopping)
            return 0
        except Busy as busy:
            print(f"scantune: {busy.reason}", file=sys.stderr)
            return WATCHED_ALREADY
        except Unavailable as error:
            set_on_signals(stopping)
            reason = cannot_write(Workspace(context.root)) or error.reason
            if reason != told:
                log.warning("%s: waiting until that is over", reason)
            told = reason
            if SYSTEM.wait(stopping, AGAIN_SECONDS):
                return 0


def _watch(context: Context, stopping: threading.Event) -> None:
    from handlers.pipeline import Choices, pipeline
    from handlers.service.living import alive
    from handlers.sources.background import polling
    from handlers.tempo import tempo
    from watcher.clock import SYSTEM
    from watcher.engine import Engine
    from watcher.execute import Voice
    from watcher.loop import only_watcher, watch
    from watcher.pressure import Pressure, machine_of

    workspace = Workspace(context.root)
    voice = Voice(say=log.info, stopping=stopping.is_set)
    with only_watcher(workspace, SYSTEM):
        stages = pipeline(context, Choices(daemon=True))
        pressure = Pressure(machine_of(workspace.state))
        with (
            alive(context, SYSTEM) as heartbeat,
            polling(context.settings, context.root, SYSTEM),
            Engine(workspace, stages, tempo(context.settings), voice, patient=True, pressure=pressure) as engine,
        ):
            set_on_signals(stopping, engine.wake)
            log.info("watching %s", workspace.inbox)
            watch(engine, lambda: heartbeat.beat(SYSTEM.now()))
            log.info("asked to end")
