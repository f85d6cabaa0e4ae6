"""`scantune VERB …`: parses the command line, reads the settings once, and hands over to the verb."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import pkgutil
import sys
from collections.abc import Sequence
from importlib.metadata import version

from config.settings import SettingsError
from handlers.cli import verbs
from handlers.cli.arguments import path
from handlers.context import make_context
from handlers.service import logs
from handlers.service.upgrade import bring_up_to_date, mark
from handlers.terminal import flush, harmless_streams, say
from watcher.errors import BY_ITSELF, JobError
from watcher.files import PASSING
from watcher.locks import Busy

log = logging.getLogger(__name__)
USAGE = 2


def parser() -> argparse.ArgumentParser:
    """The whole command line; each module of `handlers.cli.verbs` adds its verb."""
    top = argparse.ArgumentParser(prog="scantune", description="From security scans to a tuned model, on your machine.")
    top.add_argument("--version", action="version", version=version("scantune"))
    top.add_argument("--workspace", type=path, metavar="DIR", help="where inbox/, outbox/, quarantine/ and state/ lie")
    top.add_argument("--config", type=path, metavar="FILE", help="settings (default: WORKSPACE/config/scantune.yaml)")
    below = top.add_subparsers(title="verbs", metavar="VERB", required=True)
    for module in sorted(each.name for each in pkgutil.iter_modules(verbs.__path__)):
        importlib.import_module(f"handlers.cli.verbs.{module}").add(below)
    _describe(top)
    return top


def _describe(parser: argparse.ArgumentParser) -> None:
    """`VERB --help` begins with what the list of verbs says of it, where the verb has no more to say."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for listed in action._get_subactions():
                verb = action.choices[listed.dest]
                told = str(listed.help)
                verb.description = verb.description or f"{told[0].upper()}{told[1:]}."
                _describe(verb)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one verb. Exit status: the verb's own, 1 for a failure that it names, 2 for wrong usage."""
    with harmless_streams():
        try:
            return _run(argv)
        except BrokenPipeError:  # whoever read the output has seen enough: `scantune inspect … | head`
            return 1
        except OSError as error:  # a missing right, a full disk, a file in place of a folder: the machine's, not ours
            log.debug("where it happened", exc_info=True)
            say(f"scantune: {_told(error)}")
            return 1


def _told(error: OSError) -> str:
    what = PASSING.get(error.errno or 0) or error.strerror or str(error)
    where = [os.fsdecode(each) for each in (error.filename, error.filename2) if isinstance(each, str | bytes)]
    return ": ".join([*where, what])


def _run(argv: Sequence[str] | None) -> int:
    try:
        args = parser().parse_args(argv)
        context = make_context(args.workspace, args.config)
        logs.start(context.settings.log)
        bring_up_to_date(context.root)
        status = int(args.run(args, context))
        mark(context.root)
        return status
    except SettingsError as error:
        print(f"scantune: {error}", file=sys.stderr)
        return USAGE
    except JobError as error:
        # The command has ended: what a watcher would try again by itself is for the person to try again.
        again = isinstance(error, Busy) or error.hint == BY_ITSELF
        say(f"scantune: {error.reason} — run it again once that is over" if again else f"scantune: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        flush()


if __name__ == "__main__":
    sys.exit(main())
