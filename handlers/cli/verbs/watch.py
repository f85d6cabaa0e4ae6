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


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("watch", help="carry what is dropped into inbox/ through all stages, until told to end")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    from handlers.pipeline import Choices, pipeline
    from handlers.service.living import alive
    from handlers.sources.background import polling
    from handlers.tempo import tempo
    from watcher.clock import SYSTEM
    from watcher.engine import Engine
    from watcher.execute import Voice
    from watcher.locks import Busy
    from watcher.loop import only_watcher, watch
    from watcher.pressure import Pressure, machine_of

    workspace = Workspace(context.root)
    stopping = threading.Event()
    voice = Voice(say=log.info, stopping=stopping.is_set)
    try:
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
    except Busy as busy:
        print(f"scantune: {busy.reason}", file=sys.stderr)
        return WATCHED_ALREADY
    return 0
