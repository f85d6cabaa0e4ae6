"""The stage `narrative`: one finished analysis in, one narrative for each of its findings out."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from config.settings import Settings
from handlers.analysis.run import ANALYSES
from handlers.backend import Backend, choose_backend, may_load_model, unless_stopping, writer_key
from handlers.dataset.lines import NARRATIVES, USERS
from handlers.knowledge.catalogue import catalogue_version, open_catalogue
from handlers.knowledge.cwe import Catalogue
from handlers.narrative.rules import VERSION, narrate
from handlers.records import Analysis, Narrative, dump_lines, load_lines
from watcher.stage import Attempt, Outcome, Stage


def stage(settings: Settings, root: Path) -> Stage:
    """Each analysis by itself."""

    def run(inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
        if (rows := inputs[0] / USERS).exists():
            shutil.copyfile(rows, out / USERS)
            return Outcome()
        catalogue = open_catalogue(root)
        by_rules = (narrate(each, catalogue) for each in load_lines(inputs[0] / ANALYSES, Analysis))
        backend = choose_backend(settings, root)
        if backend is None:
            return Outcome({"narratives": dump_lines(out / NARRATIVES, by_rules)})
        return _by_model(list(by_rules), catalogue, backend, out, attempt)

    def relevant() -> Mapping[str, object]:
        return {"knowledge": catalogue_version(), "writer": writer_key(settings, root)}

    lock = "accelerator" if may_load_model(settings) else ""
    return Stage("narrative", VERSION, ("analysis",), run, relevant, lock=lock)


def _by_model(
    by_rules: Sequence[Narrative], catalogue: Catalogue, backend: Backend, out: Path, attempt: Attempt
) -> Outcome:
    from handlers.generation import load_generator
    from handlers.narrative.model import write_narratives

    model = load_generator(backend.folder, backend.revision)
    written, counts = write_narratives(
        by_rules, catalogue, model, backend.origin, tuned=backend.tuned, go_on=unless_stopping(attempt)
    )
    return Outcome({"narratives": dump_lines(out / NARRATIVES, written), **counts})
