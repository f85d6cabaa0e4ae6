"""Benchmarks that a person brings: read as their authors write them, scored as their papers say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from handlers.evaluation.outside import read_benchmark, score_benchmark
from watcher.errors import BadInput

HIGH, LOW = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"


def tsv(tmp_path: Path, *truths: str) -> Path:
    file = tmp_path / "task.tsv"
    lines = [
        "URL\tDescription\tPrompt\tGT",
        *(f"https://example.org\ta text\tQuestion {at}?\t{each}" for at, each in enumerate(truths)),
    ]
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.mark.parametrize(
    ("truths", "answers", "value"),
    [
        (["A", "B", "C"], ["Because of that:\n\nA", "A or B", "c"], 2 / 3),
        (["CWE-79", "CWE-89"], ["Not CWE-20 but CWE-79", "cwe-89, or cwe-79"], 0.5),
        ([HIGH, HIGH], [f"First {LOW}, no: {HIGH}", LOW], (9.8 - 7.5) / 2),
        ([HIGH], ["no idea"], 10.0),
    ],
)
def test_ctibench(tmp_path: Path, truths: list[str], answers: list[str], value: float) -> None:
    benchmark = read_benchmark(tsv(tmp_path, *truths))
    assert score_benchmark(benchmark, answers).value == pytest.approx(value)


def test_cybermetric(tmp_path: Path) -> None:
    question = {"question": "Which?", "answers": {"A": "this", "B": "that"}, "solution": "B"}
    file = tmp_path / "set.json"
    file.write_text(json.dumps({"questions": [question] * 4}))
    benchmark = read_benchmark(file)
    assert "A) this\nB) that" in benchmark.rows[0].prompt
    assert score_benchmark(benchmark, ["ANSWER: B", "answer: b.", "ANSWER: A", "B"]).value == 0.5


@pytest.mark.parametrize(
    "content",
    [
        "",
        "a,b\n1,2\n",
        "{}",
        '{"questions": [{}]}',
        '{"questions": []}',
        "Prompt\tGT\n",
        "Prompt\tGT\nWhy?\tmaybe\n",
    ],
)
def test_anything_else_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "strange"
    file.write_text(content)
    with pytest.raises(BadInput, match="strange"):
        read_benchmark(file)
