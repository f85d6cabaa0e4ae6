"""Benchmarks that a person brings, scored as their authors score them; nothing of them is ever trained on.

CTIBench (Alam et al., 2024, arXiv 2406.07599), one TSV a task, each row with the whole `Prompt` and its `GT`:
multiple choice (the letter alone on the answer's last line) and root cause mapping (the last CWE id) by accuracy,
severity prediction (the last CVSS 3 vector) by the mean absolute deviation of the base scores.
CyberMetric (Tihanyi et al., 2024, arXiv 2402.07688), JSON with `questions`, each with `answers` by letter and the
`solution`: accuracy over answers of the form `ANSWER: X`; its files have no prompts, so the words of ours are our own.

The formats are those of the files in github.com/xashru/cti-bench and github.com/cybermetric/CyberMetric. One rule is
harder here: an answer in another form than the one asked for is wrong (a missing vector is 10 points off), where the
evaluation of CTIBench passes over it, and that of CyberMetric asks up to five times. CTIBench's other tasks (threat
actors, techniques) are refused.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from cvss import CVSS3
from cvss.exceptions import CVSSError

from handlers.dataset.rows import Example, Message
from handlers.evaluation.bootstrap import ratio_interval
from handlers.evaluation.interval import Interval
from handlers.records import Record
from watcher.errors import BadInput

Kind = Literal["choice", "weakness", "severity", "cybermetric"]

_LETTER = re.compile(r"^\W*([A-E])\W*$")
_ANSWER = re.compile(r"ANSWER:?\W*([A-D])\b", re.IGNORECASE)
_CWE = re.compile(r"CWE-\d+")
_VECTOR = re.compile(r"CVSS:3\.[01](?:/[A-Z]{1,3}:[A-Z])+")
WORST = 10.0
"""The deviation of an answer without a vector: as far off as a base score can be."""


class Benchmark(Record, frozen=True, kw_only=True):
    """Questions with the answers of their authors."""

    kind: Kind
    rows: tuple[Example, ...]


class _Question(msgspec.Struct):
    question: str
    answers: dict[str, str]
    solution: str


class _CyberMetric(msgspec.Struct):
    questions: list[_Question]


def read_benchmark(file: Path) -> Benchmark:
    """Recognised by content. Raises BadInput for a file that is neither."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: {error}", "name a TSV of CTIBench or a JSON file of CyberMetric") from None
    return _cybermetric(file, text) if text.lstrip().startswith("{") else _ctibench(file, text)


def _cybermetric(file: Path, text: str) -> Benchmark:
    try:
        read = msgspec.json.decode(text, type=_CyberMetric)
    except msgspec.DecodeError as error:
        raise BadInput(f"{file}: not as CyberMetric writes it: {error}", "take its files as they are") from None
    rows = tuple(_row(_ask(each), each.solution) for each in read.questions)
    return Benchmark(kind="cybermetric", rows=_some(file, rows))


def _ask(question: _Question) -> str:
    options = "\n".join(f"{letter}) {text}" for letter, text in sorted(question.answers.items()))
    return f"{question.question}\n\n{options}\n\nGive the letter of the right answer only, in the form ANSWER: X"


def _ctibench(file: Path, text: str) -> Benchmark:
    table = csv.DictReader(io.StringIO(text), delimiter="\t")
    if not {"Prompt", "GT"} <= set(table.fieldnames or ()):
        raise BadInput(f"{file}: a TSV of CTIBench has the columns Prompt and GT", "take its files as they are")
    try:
        rows = tuple(_row(each["Prompt"], (each["GT"] or "").strip()) for each in table if each["Prompt"])
    except csv.Error as error:
        raise BadInput(f"{file}: {error}", "take its files as they are") from None
    return Benchmark(kind=_kind(file, _some(file, rows)[0].answer), rows=rows)


def _some(file: Path, rows: tuple[Example, ...]) -> tuple[Example, ...]:
    if not rows:
        raise BadInput(f"{file}: it holds no question", "take its files as they are")
    return rows


def _kind(file: Path, answer: str) -> Kind:
    for kind, pattern in KINDS.items():
        if pattern.search(answer):
            return kind
    raise BadInput(
        f"{file}: no task with answers such as {answer[:40]!r} is known here",
        "take cti-mcq, cti-rcm or cti-vsp of CTIBench, whose answers are a letter, a CWE id or a CVSS 3 vector",
    )


KINDS: dict[Kind, re.Pattern[str]] = {"choice": _LETTER, "weakness": _CWE, "severity": _VECTOR}


def _row(asked: str, answer: str) -> Example:
    return Example(messages=(Message(role="user", content=asked), Message(role="assistant", content=answer)))


def score_benchmark(benchmark: Benchmark, answers: Sequence[str]) -> Interval:
    """Accuracy from 0 to 1; for severities the mean absolute deviation, where less is better."""
    rule = RULES[benchmark.kind]
    return ratio_interval([rule(row.answer, answer) for row, answer in zip(benchmark.rows, answers, strict=True)])


def _choice(wanted: str, answer: str) -> float:
    lines = [line for line in answer.splitlines() if line.strip()]
    found = _LETTER.match(lines[-1].upper()) if lines else None
    return float(found is not None and found[1] == wanted)


def _cybermetric_choice(wanted: str, answer: str) -> float:
    found = _ANSWER.search(answer)
    return float(found is not None and found[1].upper() == wanted)


def _weakness(wanted: str, answer: str) -> float:
    return float(_CWE.findall(answer.upper())[-1:] == [wanted])


def _severity(wanted: str, answer: str) -> float:
    given = _base_score((_VECTOR.findall(answer.upper()) or [""])[-1])
    right = _base_score(wanted)
    return WORST if given is None or right is None else abs(given - right)


def _base_score(vector: str) -> float | None:
    try:
        return float(CVSS3(vector).base_score)
    except CVSSError:
        return None


RULES: dict[Kind, Callable[[str, str], float]] = {
    "choice": _choice,
    "weakness": _weakness,
    "severity": _severity,
    "cybermetric": _cybermetric_choice,
}
