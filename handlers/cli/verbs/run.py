"""`scantune run`: one pass over the inbox, or over the paths given."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from handlers.cli.arguments import path, text
from handlers.cli.signals import set_on_signals
from handlers.context import Context
from handlers.terminal import say
from watcher.files import surroundings
from watcher.workspace import Workspace

if TYPE_CHECKING:
    from watcher.intake import Provenance
    from watcher.tally import Tally


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("run", help="take what lies in inbox/ (or PATH…) through all stages, then end")
    parser.add_argument("paths", nargs="*", type=path, metavar="PATH", help="files or folders; they stay there")
    parser.add_argument("--artifacts-dir", type=path, metavar="DIR", help="a folder of files to take; they stay there")
    parser.add_argument(
        "--output-dir", type=path, metavar="DIR", help="write to DIR, an outbox of its own, instead of the workspace's"
    )
    parser.add_argument("--model-name", type=text, metavar="BASE", help="the base model, a folder of base_models_dir")
    parser.add_argument("--skip-fine-tuning", action="store_true", help="stop at the dataset")
    parser.add_argument(
        "--fine-tuning-model-name", type=text, metavar="NAME", help="the name of the finished model; must be free"
    )
    parser.add_argument("--upload-model", action="store_true", help="publish what is finished")
    parser.add_argument("--branch", type=text, metavar="B", help="the branch that the artifacts are about")
    parser.add_argument("--commit", type=text, metavar="SHA", help="the commit that the artifacts are about")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    from handlers.cli.report import table
    from handlers.pipeline import Choices, pipeline
    from handlers.tempo import tempo
    from watcher.engine import Engine
    from watcher.execute import Voice
    from watcher.loop import run_pass
    from watcher.pressure import no_pressure

    paths = _paths(args)
    with surroundings():
        missing = [path for path in paths if not path.exists()]
    if missing:
        print(f"scantune: {missing[0]}: there is no such file or folder", file=sys.stderr)
        return 2
    workspace = Workspace(context.root, args.output_dir)
    choices = Choices(
        base_model=args.model_name,
        skip_fine_tuning=args.skip_fine_tuning,
        output_name=args.fine_tuning_model_name,
        upload=args.upload_model,
        outbox=args.output_dir,
    )
    stages = pipeline(context, choices)
    stopping = threading.Event()
    voice = Voice(say=say, stopping=stopping.is_set)
    with Engine(
        workspace,
        stages,
        tempo(context.settings),
        voice,
        patient=False,
        paths=paths,
        provenance=_provenance(args),
        pressure=no_pressure,
    ) as engine:
        set_on_signals(stopping, engine.wake)
        tally = run_pass(engine)
    print(table(tally, [stage.name for stage in stages], workspace))
    return status(tally)


def status(tally: Tally) -> int:
    return 1 if tally.failed else 0


def _paths(args: argparse.Namespace) -> list[Path]:
    more = [args.artifacts_dir] if args.artifacts_dir else []
    return [path.absolute() for path in (*args.paths, *more)]


def _provenance(args: argparse.Namespace) -> Provenance:
    return {name: value for name in ("branch", "commit") if (value := getattr(args, name))}
