"""`scantune validate-model DIR`: loads a finished model, asks it something, and checks what lies beside it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from handlers.cli.arguments import path
from handlers.context import Context
from handlers.models.need import need_mlx
from watcher.errors import BadInput


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("validate-model", help="load a finished model, generate from it, check its files")
    parser.add_argument("folder", type=path, metavar="DIR", help="the folder of a finished model")
    parser.add_argument(
        "--benchmark",
        type=path,
        action="append",
        default=[],
        metavar="FILE",
        help="also answer a TSV of CTIBench or a JSON file of CyberMetric; may be given more than once",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Exit status 1 with the reasons if the model must not be used."""
    folder = args.folder.absolute()
    if not folder.is_dir():
        raise BadInput(f"{folder}: there is no such folder", "`scantune models list` shows the finished models")
    need_mlx()
    from handlers.models.check import find_faults

    faults = find_faults(folder, print)
    for file in [] if faults else args.benchmark:
        _benchmark(folder, file, context.settings.fine_tuning.evaluation.answer_tokens)
    for fault in faults:
        print(f"fault      {fault}", file=sys.stderr)
    print(f"{folder}: {'must not be used' if faults else 'good'}")
    return 1 if faults else 0


def _benchmark(folder: Path, file: Path, answer_tokens: int) -> None:
    from handlers.evaluation.answers import answer_rows
    from handlers.evaluation.outside import read_benchmark, score_benchmark
    from handlers.models.opening import open_model

    benchmark = read_benchmark(file)
    model, tokenizer = open_model(folder)
    found = score_benchmark(benchmark, answer_rows(model, tokenizer, benchmark.rows, answer_tokens))
    what = "mean absolute deviation" if benchmark.kind == "severity" else "accuracy"
    interval = f"{found.value:.3f}, 95 % interval {found.low:.3f} to {found.high:.3f}"
    print(f"benchmark  {file.name}: {what} {interval}, {len(benchmark.rows)} questions")
