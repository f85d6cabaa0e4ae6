"""SARIF of any tool and version, the careful way: what is not as the format says is kept as far as it goes."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from handlers.readers.interface import Ledger, MalformedError, Problem, reads
from handlers.readers.node import Node
from handlers.readers.sarif import model, older
from handlers.readers.sarif.fast import Outline, decode
from handlers.readers.sarif.lenient import convert
from handlers.readers.sarif.meaning import RunReader
from handlers.readers.sarif.stencils import Stencils
from handlers.readers.sarif.stream import Walk
from handlers.records import Finding


def claims(report: Node) -> bool:
    logs = report.entries()
    return bool(logs) and all("runs" in log and _is_sarif(log) for log in logs)


def _is_sarif(log: Node) -> bool:
    """By its schema, its version, or the shape of its runs."""
    if "sarif" in (log.text("$schema") or "").lower() or "inlineExternalProperties" in log:
        return True
    runs = log.items("runs")
    return all("tool" in run or "results" in run for run in runs) if runs else "version" in log


@reads("sarif", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    names: dict[str, None] = {}
    for log in report.entries():
        if log["runs"].value is None:
            raise MalformedError("runs is null: the tool wrote a log without runs")
        for run in _runs(log, ledger):
            yield from _run(run, _draft(log), ledger, names)
    _name_tools(names, ledger)


def read_outline(log: Outline, max_depth: int, max_text: int, ledger: Ledger) -> Iterator[Finding]:
    """The findings of a large log of version 2.1.0 whose results are still undecoded."""
    names: dict[str, None] = {}
    for run, raws in zip(_runs(log.log, ledger), log.results, strict=True):
        stencils = Stencils(_start(run, run.value, ledger, names), ledger, reader.name, max_text)
        for result, at in decode(raws, run["results"], max_depth, ledger):
            finding = stencils.finding(result, at)
            if finding is not None:
                yield finding
    _name_tools(names, ledger)


def read_stream(log: Node, walk: Walk, max_text: int, ledger: Ledger) -> Iterator[Finding]:
    """The findings of a log that is read for the second time; `log` is what the first time left: no results."""
    names: dict[str, None] = {}
    runs = {run.key: run for run in _runs(log, ledger)}
    makers = {
        number: Stencils(_start(run, run.value, ledger, names), ledger, reader.name, max_text)
        for number, run in runs.items()
    }
    for run, number, value in walk:
        at = f"/runs/{run}/results/{number}"
        if not isinstance(value, dict):
            ledger.malformed(Node(value, None, at))
            continue
        result = convert(value, model.Result, functools.partial(ledger.warn_at, Node(None, None, at)))
        finding = makers[run].finding(result, at)
        if finding is not None:
            yield finding
    _name_tools(names, ledger)


def _name_tools(names: dict[str, None], ledger: Ledger) -> None:
    ledger.tool = ", ".join(names) or "unknown"


def _runs(log: Node, ledger: Ledger) -> Iterator[Node]:
    runs = list(ledger.records(log, "runs"))
    if not runs and not log.items("runs"):
        ledger.warn("the log has no runs: no tool reports to have scanned")
    yield from runs
    for outside in log.items("inlineExternalProperties"):
        if outside.is_object and "results" in outside:  # 4.3: results of a run kept apart from it
            if _draft(log):
                ledger.skip("in the inline external properties of a draft version", len(outside.items("results")))
                ledger.warn(f"{outside.pointer}: inline external properties are read from version 2.1.0 on")
            else:
                yield outside


def is_outline_of_sarif(log: Node) -> bool:
    """Whether `read_outline` may read it: SARIF of version 2.1.0 with all its results in its runs."""
    return claims(log) and not _draft(log) and "inlineExternalProperties" not in log


def _draft(log: Node) -> bool:
    return (log.text("version") or "")[:3] in ("1.0", "2.0")


def _run(run: Node, draft: bool, ledger: Ledger, names: dict[str, None]) -> Iterator[Problem]:
    value: dict[str, Any] = older.upgrade(run.value) if draft else dict(run.value)
    results = value.pop("results", None)
    reader = _start(run, value, ledger, names)
    if results is not None and not isinstance(results, list):
        ledger.scan_failed(f"{run.pointer}/results is no list: nothing of this run can be read")
        return
    shown = Node(results, run, "results")
    for record in ledger.records(shown):
        problem = reader.problem(_result(record, ledger), record)
        if problem is not None:
            yield problem


def _start(run: Node, value: dict[str, Any], ledger: Ledger, names: dict[str, None]) -> RunReader:
    header = convert(value, model.Run, functools.partial(ledger.warn_at, run))
    reader = RunReader(header, ledger)
    names.setdefault(reader.tool)
    ledger.tool = reader.tool
    ledger.tool_version = ledger.tool_version or reader.tool_version
    if run["results"].value is None:
        _no_results(run, header, ledger)
    return reader


def _result(record: Node, ledger: Ledger) -> model.Result:
    return convert(record.value, model.Result, functools.partial(ledger.warn_at, record))


def _no_results(run: Node, header: model.Run, ledger: Ledger) -> None:
    """3.14.23: no result list means that no scan ran to its end, which is something else than finding nothing."""
    if header.external_property_file_references or "externalPropertyFiles" in run:
        ledger.warn(f"{run.pointer}: results may lie in other files that the log only refers to")
    elif "results" in run:
        ledger.scan_failed(f"{run.pointer}: results is null: the scan did not run to its end")
    else:
        ledger.warn(f"{run.pointer} has no result list: this is no statement that nothing was found")
