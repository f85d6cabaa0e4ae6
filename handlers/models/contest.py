"""Champion and challenger: a new model is examined beside the base and the model in use, and takes its place or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Evaluation as Chosen
from handlers.evaluation.drift import measure_drift
from handlers.evaluation.examine import Paper, examine
from handlers.evaluation.measure import row_losses
from handlers.evaluation.plots import draw_metrics
from handlers.evaluation.record import Evaluation, Examined
from handlers.evaluation.report import write_report
from handlers.evaluation.verdict import Verdict, judge
from handlers.knowledge.catalogue import open_catalogue
from handlers.models.champion import Champion, promote, read_pointer, refuse
from handlers.models.device import settle_device
from handlers.models.finish import Result
from handlers.models.metadata import Drift, read_metadata
from handlers.models.opening import open_model
from handlers.records import Record
from handlers.training.encode import Row, encode_rows
from handlers.training.rows import Sides
from watcher.clock import Clock
from watcher.errors import Unavailable

COMPARISON, REPORT, PICTURE = "comparison.json", "comparison.md", "comparison.png"
PROBED = 8  # rows on which the finished model must predict what base + adapter do
PRECISION = 0.02  # nats a token: bfloat16 rounds the fused weights


class Comparison(Record, frozen=True, kw_only=True):
    """`comparison.json`."""

    base: Examined
    champion: Examined | None
    challenger: Examined
    fusion: Drift | None  # of the challenger, in the precision that it has, from base + adapter
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Contest:
    """Who meets on what."""

    result: Result  # of the training
    folder: Path  # of the finished model
    sides: Sides  # of the dataset; those that were held back are what they meet on
    window: int  # tokens
    chosen: Chosen
    root: Path  # the workspace


def hold_contest(contest: Contest, out: Path, clock: Clock) -> Verdict:
    """Examines, judges, writes the comparison to `out`, and makes the challenger the champion if it won."""
    settle_device()
    catalogue = open_catalogue(contest.root)
    chosen, sides = contest.chosen, contest.sides
    paper = Paper(sides.valid, sides.test, contest.window, chosen.answered_rows, chosen.answer_tokens, catalogue)
    result, rival = contest.result, _rival(contest)
    known, test = result.losses, result.losses.test
    base = _examined(result.base.path, result.base.name, paper, known.base, test.base if test else None)
    champion = _champion(rival, paper) if rival else None
    model, tokenizer = open_model(contest.folder)
    challenger = examine(contest.folder.name, model, tokenizer, paper, known.tuned, test.tuned if test else None)
    verdict = judge(base, champion, challenger, chosen.max_forgetting)
    probed = encode_rows(paper.rows[:PROBED], tokenizer, paper.window).rows
    verdict = _with_fusion(verdict, known.tuned, model, probed)
    fusion = _drift(result, model, probed)
    comparison = Comparison(base=base, champion=champion, challenger=challenger, fusion=fusion, verdict=verdict)
    text = msgspec.json.format(msgspec.json.encode(comparison, order="deterministic"), indent=1)
    (out / COMPARISON).write_bytes(text + b"\n")
    (out / REPORT).write_text(
        write_report(base, champion, challenger, verdict, fusion, paper.questions), encoding="utf-8"
    )
    draw_metrics([each for each in (base, champion, challenger) if each], out / PICTURE)
    _settle(contest, verdict, clock)
    return verdict


def _rival(contest: Contest) -> Champion | None:
    """The champion; of a contest that is held again after a kill, the one that the challenger met the first time."""
    line = [each for each in read_pointer(contest.root).line if each.path != str(contest.folder)]
    return line[-1] if line and Path(line[-1].path).is_dir() else None


def _examined(
    folder: Path, name: str, paper: Paper, valid: Evaluation | None = None, test: Evaluation | None = None
) -> Examined:
    model, tokenizer = open_model(folder)
    return examine(name, model, tokenizer, paper, valid, test)


def _champion(rival: Champion, paper: Paper) -> Examined:
    try:
        return _examined(Path(rival.path), rival.name, paper)
    except Unavailable as error:
        raise Unavailable(
            f"the champion can't be examined: {error.reason}",
            "bring it back, or `scantune models rollback`, or promote another one; the training itself is kept",
        ) from error


def _with_fusion(verdict: Verdict, after: Evaluation, model: Any, probed: Sequence[Row]) -> Verdict:
    """Refuses a finished model that does not predict what base + adapter did."""
    known = {row.number: row for row in after.each}
    seen = row_losses(model, probed, 1)
    gap = max((abs(row.loss - known[row.number].loss) / row.tokens for row in seen), default=0.0)
    if gap <= PRECISION:
        return verdict
    reason = f"the finished model's losses differ from those of base and adapter by up to {gap:.4f} nats a token"
    return msgspec.structs.replace(verdict, promoted=False, reasons=(reason, *verdict.reasons))


def _drift(result: Result, model: Any, probed: Sequence[Row]) -> Drift | None:
    if not probed:
        return None
    unfused, _ = open_model(result.base.path, result.adapter)
    return measure_drift(unfused, model, probed)


def _settle(contest: Contest, verdict: Verdict, clock: Clock) -> None:
    if verdict.promoted:
        promote(contest.root, contest.folder, read_metadata(contest.folder), verdict.reasons, clock)
    else:
        refuse(contest.root, contest.folder.name, verdict.reasons, clock)
