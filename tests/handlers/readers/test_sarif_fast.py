"""The fast way for large SARIF logs and the careful way end the same."""

import json
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.readers import Limits, Reading, read_bytes, read_report, report
from handlers.readers.sarif import stream
from tests.handlers.readers.corpus import SHARED, files

WORDS = st.sampled_from(["error", "warning", "note", "none", "info", "R1", "R2", "CVE-2024-12345", "a/b.py", "é\n", ""])
ODD = st.one_of(st.none(), st.integers(-2, 9), WORDS, st.just([]), st.just({}))


def some_of(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object that has any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


REGION = some_of(startLine=st.integers(-1, 9) | ODD, endLine=st.integers(0, 9), snippet=some_of(text=WORDS))
PLACE = some_of(artifactLocation=some_of(uri=WORDS, index=ODD), region=REGION)
RESULT = st.fixed_dictionaries(
    {},
    optional={
        "ruleId": WORDS | ODD,
        "ruleIndex": st.integers(-1, 3),
        "level": WORDS,
        "kind": st.sampled_from(["fail", "pass", "review", "FAIL", "odd"]),
        "message": some_of(text=WORDS) | some_of(id=st.just("m"), arguments=st.lists(ODD)) | ODD,
        "locations": st.lists(st.fixed_dictionaries({}, optional={"physicalLocation": PLACE}), max_size=2) | ODD,
        "suppressions": st.lists(st.fixed_dictionaries({}, optional={"status": WORDS}), max_size=2),
        "properties": st.fixed_dictionaries({}, optional={"security-severity": ODD, "tags": st.lists(ODD)}) | ODD,
        "baselineState": st.sampled_from(["new", "absent"]),
        "other": ODD,
    },
)
RULE = {
    "id": "R1",
    "shortDescription": {"text": "Rule one"},
    "messageStrings": {"m": {"text": "it is {0}"}},
    "properties": {"tags": ["external/cwe/cwe-079"]},
}


def log(*results: Any, rules: tuple[Any, ...] = (RULE, {"id": "R2"})) -> dict[str, Any]:
    run = {"tool": {"driver": {"name": "acme", "rules": list(rules)}}, "results": list(results)}
    return {"version": "2.1.0", "runs": [run]}


def both_ways(content: bytes) -> tuple[Reading, Reading]:
    """(fast, careful)"""
    with mock.patch.object(report, "FAST_FROM", 0):
        fast = read_bytes(content, Limits())
    with mock.patch.object(report, "FAST_FROM", 2**62):
        return fast, read_bytes(content, Limits())


def streamed(content: bytes, piece: int = 1000) -> Reading:
    """What the way for huge logs gives, its window so small that everything crosses its edge."""
    with tempfile.NamedTemporaryFile() as file, mock.patch.object(report, "STREAM_FROM", 0):
        file.write(content)
        file.flush()
        with mock.patch.object(stream, "PIECE", piece):
            reading = read_report(Path(file.name), Limits())
    return msgspec.structs.replace(reading, findings=tuple(reading.findings))


@settings(max_examples=150, deadline=None)
@given(st.lists(RESULT | ODD, max_size=6), st.sampled_from([None, 1, 9]))
def test_both_ways_end_the_same(results: list[Any], indent: int | None) -> None:
    content = json.dumps({"$schema": "sarif-2.1.0", **log(*results)}, indent=indent).encode()
    fast, careful = both_ways(content)
    assert fast == careful
    assert streamed(content, piece=50 + len(results)) == careful


@pytest.mark.parametrize(
    "entry", [each for each in files("artifacts") if "sarif" in str(each.id) and ".zip" not in str(each.id)]
)
def test_both_ways_end_the_same_for_real_logs(entry: dict[str, Any]) -> None:
    content = (SHARED / entry["file"]).read_bytes()
    fast, careful = both_ways(content)
    assert fast == careful
    through = streamed(content)
    assert through.books.seen == careful.books.seen
    if len(json.loads(content.decode("utf-8-sig"))["runs"]) == 1:  # runs are compared with each other in memory only
        assert through == careful


RESULT_TEXT = '{"ruleId": "R1", "message": {"text": "m"}}'


@pytest.mark.parametrize(
    "results",
    [
        f'"results": [{RESULT_TEXT}], "results": []',
        f'"results": [], "results": [{RESULT_TEXT}]',
        f'"results": [{RESULT_TEXT[:-1]}, "ruleId": "R2"}}]',
        '"results": [{"ruleId": "R1", "message": {"text": "m", "text": "n"}}]',
        f'"results": [{RESULT_TEXT}], "tool": {{"driver": {{"name": "other"}}}}',
    ],
)
def test_a_duplicate_key_is_noticed_both_ways(results: str) -> None:
    content = '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "acme"}}, ' + results + "}]}"
    for reading in (
        *both_ways(content.encode()),
        streamed(content.replace("2.1.0", '2.1.0", "$schema": "sarif').encode()),
    ):
        assert reading.status == "quarantined"
        assert "comes twice" in (reading.reason or "")


def test_results_that_look_alike_inside_other_values() -> None:
    content = '{"version": "2.1.0", "runs": [{"properties": {"results": [' + RESULT_TEXT + "]}, "
    content += '"tool": {"driver": {"name": "acme"}}, "results": [' + RESULT_TEXT + ", " + RESULT_TEXT + "]}]}"
    fast, careful = both_ways(content.encode())
    assert fast == careful
    assert fast.books.seen == 2
