"""The stage `narrative`: one finished analysis in, one narrative for each of its findings out."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from config.settings import Settings
from handlers.analysis.run import ANALYSES
from handlers.dataset.lines import USERS
from handlers.knowledge.catalogue import catalogue_version, open_catalogue
from handlers.narrative.rules import VERSION, narrate
from handlers.records import Analysis, dump_lines, load_lines
from watcher.stage import Attempt, Outcome, Stage

NARRATIVES = "narrative.jsonl"


def stage(settings: Settings, root: Path) -> Stage:
    """Each analysis by itself."""

    def run(inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
        if (rows := inputs[0] / USERS).exists():
            shutil.copyfile(rows, out / USERS)
            return Outcome()
        catalogue = open_catalogue(root)
        analyses = load_lines(inputs[0] / ANALYSES, Analysis)
        return Outcome({"narratives": dump_lines(out / NARRATIVES, (narrate(each, catalogue) for each in analyses))})

    def relevant() -> Mapping[str, object]:
        return {"knowledge": catalogue_version()}

    return Stage("narrative", VERSION, ("analysis",), run, relevant)
