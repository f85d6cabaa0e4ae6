"""`python -m handlers.STAGE INPUT…`: one stage by hand, on the path that the watcher takes too.

The watcher starts the heavy stages by this very command line. Standard output: the folder of each job, one a line.
Exit status, the worst of all inputs: 0 done, 1 the input can't be used (and is quarantined, if it had been accepted),
2 wrong usage, 70 an unexpected error, 75 not possible just now (tried again by the watcher).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from config.settings import SettingsError
from handlers.context import Context, make_context
from handlers.pipeline import Choices, every_stage
from handlers.service import logs
from handlers.tempo import retries
from handlers.terminal import harmless_streams, say
from watcher.children import BUG, DONE, QUARANTINED, UNAVAILABLE, USAGE
from watcher.errors import BadInput, JobError, Unavailable
from watcher.execute import Done, Voice
from watcher.failures import perform
from watcher.stage import Stage, Takes
from watcher.workspace import Workspace


def main(stage_name: str, argv: Sequence[str] | None = None) -> int:
    """Runs one stage on each input, or on all together if the stage collects."""
    with harmless_streams():
        return _main(stage_name, argv)


def _main(stage_name: str, argv: Sequence[str] | None) -> int:
    parser = _parser(stage_name)
    try:
        args = parser.parse_args([word for each in (sys.argv[1:] if argv is None else argv) for word in listed(each)])
    except OSError as error:
        parser.error(str(error))
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    try:
        context = make_context(args.workspace, args.config)
        logs.start(context.settings.log)
        stage = _stage(stage_name, args, context)
    except SettingsError as error:
        print(f"{stage_name}: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return 130
    workspace = Workspace(context.root, args.output_dir)
    voice = Voice(say=say, stopping=stopping.is_set)
    groups = [args.inputs] if stage.takes is Takes.ALL else [[path] for path in args.inputs]
    try:
        return max(_one(workspace, stage, group, context, voice) for group in groups)
    except KeyboardInterrupt:
        return 130


def listed(word: str) -> list[str]:
    """The paths that a word of the command line stands for. Raises OSError if it names a list that can't be read."""
    if not word.startswith("@"):
        return [word]
    listed = os.fsdecode(Path(word[1:]).read_bytes())
    return [path for path in (listed.split("\0") if "\0" in listed else listed.splitlines()) if path]


def _parser(stage_name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m handlers.{stage_name}",
        description=f"Runs the stage {stage_name} by hand. @FILE stands for the paths in FILE: one a line, or as of "
        "`find -print0`.",
    )
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="a file, a job's folder, or a file in it")
    parser.add_argument("--output-dir", type=Path, metavar="DIR", help="an outbox of its own")
    parser.add_argument("--workspace", type=Path, metavar="DIR")
    parser.add_argument("--config", type=Path, metavar="FILE")
    parser.add_argument("--model-name", metavar="BASE", help="the base model")
    parser.add_argument("--fine-tuning-model-name", metavar="NAME", help="the name of the finished model")
    parser.add_argument("--upload-model", action="store_true", help="publish what is finished")
    return parser


def _stage(name: str, args: argparse.Namespace, context: Context) -> Stage:
    choices = Choices(
        base_model=args.model_name,
        output_name=args.fine_tuning_model_name,
        upload=args.upload_model or name == "upload",
        outbox=args.output_dir,
    )
    return next(stage for stage in every_stage(context, choices) if stage.name == name)


def _one(workspace: Workspace, stage: Stage, inputs: Sequence[Path], context: Context, voice: Voice) -> int:
    try:
        result = perform(workspace, stage, inputs, retries(context.settings), voice)
    except JobError as error:
        say(f"{stage.name}: {error}")
        print(*getattr(error, "__notes__", ()), sep="\n", end="", file=sys.stderr)
        return QUARANTINED if isinstance(error, BadInput) else UNAVAILABLE if isinstance(error, Unavailable) else BUG
    if isinstance(result, Done):
        for warning in result.receipt.warnings:
            say(f"{stage.name}: {warning}")
        print(result.folder, flush=True)
        return DONE
    say(f"{stage.name}: {result.text()}")
    if not result.next:
        print(f"{stage.name}: see {workspace.quarantined(stage.name, result.input)}", file=sys.stderr)
        return QUARANTINED
    return BUG if result.kind == "bug" else UNAVAILABLE
