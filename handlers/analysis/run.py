"""The stage `analysis`: reads one artifact and writes what can be said of its findings."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from config.settings import Settings
from handlers import readers
from handlers.analysis import rules
from handlers.backend import Backend, choose_backend, may_load_model, unless_stopping, writer_key
from handlers.clean import clean_finding
from handlers.dataset.lines import USERS
from handlers.dataset.rows import Rows, load_rows
from handlers.knowledge.catalogue import catalogue_version, open_catalogue
from handlers.knowledge.cwe import Catalogue
from handlers.knowledge.exploitation import digest_of, load_exploitation
from handlers.readers import Books, Reading, read_report
from handlers.readers.folder import leaves
from handlers.records import Analysis, Record, dump_lines
from watcher.errors import BadInput
from watcher.stage import ARTIFACTS, Attempt, Outcome, Stage

ANALYSES = "analysis.jsonl"
BOOKS = "books.json"
MOST_NAMED = 50
"""Bad rows that are named one by one."""


class Account(Record, frozen=True, kw_only=True):
    """What became of the records of a report, or of all reports of an archive."""

    status: str
    tools: tuple[str, ...]
    formats: tuple[str, ...]
    books: Books
    skipped: dict[str, int]
    warnings: tuple[str, ...]
    unreadable: dict[str, str]  # member of an archive -> why it gave nothing


def stage(settings: Settings, root: Path) -> Stage:
    """Each artifact by itself. BadInput: no report, or one that can't be trusted to be read completely."""

    def run(inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
        return _analyse_artifact(inputs[0], out, settings, root, attempt)

    def relevant() -> Mapping[str, object]:
        chosen = settings.analysis
        return {
            "limits": settings.limits.model_dump(mode="json"),
            "knowledge": catalogue_version(),
            "kev": digest_of(chosen.kev_file),
            "epss": digest_of(chosen.epss_file),
            "writer": writer_key(settings, root),
        }

    lock = "accelerator" if may_load_model(settings) else ""
    return Stage("analysis", f"{readers.VERSION}.{rules.VERSION}", (ARTIFACTS,), run, relevant, lock=lock)


def schema() -> Mapping[str, object]:
    """The JSON schema of one line of `analysis.jsonl`."""
    return msgspec.json.schema(Analysis)


def _analyse_artifact(artifact: Path, out: Path, settings: Settings, root: Path, attempt: Attempt) -> Outcome:
    reading = read_report(artifact, settings.limits)
    if not reading.parsed and artifact.stat().st_size <= settings.limits.max_bytes:
        rows = load_rows(artifact)
        if rows.examples:
            return _pass_rows(artifact, rows, out)
    _refuse(reading)
    catalogue = open_catalogue(root)
    chosen = settings.analysis
    seen = load_exploitation(chosen.kev_file, chosen.epss_file)
    findings = (clean_finding(each, settings.limits.max_text) for each in reading.findings)
    by_rules = (rules.analyse(each, catalogue, seen) for each in findings)
    backend = choose_backend(settings, root)
    analyses, counts = (by_rules, {}) if backend is None else _by_model(list(by_rules), catalogue, backend, attempt)
    count = dump_lines(out / ANALYSES, analyses)
    account = _account(reading)
    (out / BOOKS).write_bytes(msgspec.json.encode(account, order="deterministic"))
    warnings = account.warnings + tuple(f"{member}: {why}" for member, why in account.unreadable.items())
    incomplete = bool(account.unreadable) or reading.status == "scan_failed"
    return Outcome({"findings": count, "seen": reading.books.seen, **counts}, warnings, incomplete)


def _by_model(
    by_rules: Sequence[Analysis], catalogue: Catalogue, backend: Backend, attempt: Attempt
) -> tuple[Iterable[Analysis], Mapping[str, int]]:
    from handlers.analysis.model import write_analyses
    from handlers.generation import load_generator

    model = load_generator(backend.folder, backend.revision)
    go_on = unless_stopping(attempt)
    return write_analyses(by_rules, catalogue, model, backend.origin, tuned=backend.tuned, go_on=go_on)


def _pass_rows(artifact: Path, rows: Rows, out: Path) -> Outcome:
    """A file of ready rows to train on is no report: it goes to the dataset as it is, line by line."""
    shutil.copyfile(artifact, out / USERS)
    bad = tuple(f"line {each.line} is no row: {each.reason}" for each in rows.bad[:MOST_NAMED])
    if len(rows.bad) > MOST_NAMED:
        bad += (f"and {len(rows.bad) - MOST_NAMED} more lines that are no rows",)
    return Outcome({"rows": len(rows.examples)}, bad, incomplete=bool(bad))


def _refuse(reading: Reading) -> None:
    if not reading.parsed:
        reason = reading.reason or "no reader recognises it as a report"
        raise BadInput(f"{reading.path}: {reason}" if reading.path else reason, reading.hint or "")


def _account(reading: Reading) -> Account:
    members = tuple(leaves(reading))
    return Account(
        status=reading.status,
        tools=tuple(sorted({each.tool for each in members if each.tool})),
        formats=tuple(sorted({each.format for each in members if each.format})),
        books=reading.books,
        skipped=reading.skipped,
        warnings=reading.warnings,
        unreadable={
            each.path: each.reason or each.status
            for each in members
            if each.status in ("quarantined", "scan_failed") and reading.members is not None
        },
    )
