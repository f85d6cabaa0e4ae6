"""Makes rows of narratives: scrubs each, asks the tasks' questions, and shows every row to the gates."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import msgspec

from config.settings import Settings, Tasks
from handlers.dataset.gates import Length, fault, load_length, tokens
from handlers.dataset.groups import advisories, named_in, other_keys, own_key, subject
from handlers.dataset.licences import licence_of
from handlers.dataset.lines import Line
from handlers.dataset.rows import Example, read_rows, text_key
from handlers.dataset.tasks import TOO_LONG, Draft, Judgement, drafts
from handlers.models.base import find_base
from handlers.privacy import Scrubber
from handlers.records import Class, Narrative, Origin, Record, Severity
from watcher.errors import BadInput, JobError

VERSION = "14"
"""Of everything that decides what a row says, and of the layout of shards."""
USER = "user"
"""The task of a row that a person wrote without saying which generated row it replaces."""
Format = Literal["chat", "completions", "instructions"]
KEYS: Mapping[str, tuple[str, str]] = {
    "completions": ("prompt", "completion"),
    "instructions": ("instruction", "response"),
}


class Source(Record, frozen=True, kw_only=True, array_like=True):
    """One narrative, or one row of a person's, of which rows are made."""

    digest: str  # of its line
    own: str  # the key that decides the side
    aliases: tuple[str, ...]
    subject: str
    weight: int  # how much it says, in characters
    fingerprint: str
    tool: str
    repository: str | None  # of what was scanned, where the report names it
    tools: tuple[str, ...]  # that reported it, where an analysis merged several
    seen: int  # how many records of a report state it
    rule_id: str
    class_: Class | None
    severity: Severity
    pointer: str
    member: str | None
    licence: str  # of the text that it quotes, as far as its ids tell
    origin: Origin
    faults: tuple[tuple[str, int], ...]  # reason: rows of it that can't stand

    @property
    def by_user(self) -> bool:
        return self.origin.kind == "user"


class Recipe(Record, frozen=True, kw_only=True):
    """The settings that rows depend on."""

    tasks: dict[str, float]
    format: Format
    limit: int  # tokens
    tokenizer: str | None  # digest of the base model's
    key: str  # digest of the pseudonyms' key
    version: str = VERSION

    @property
    def digest(self) -> str:
        return hashlib.blake2b(msgspec.json.encode(self, order="deterministic"), digest_size=12).hexdigest()


@dataclass(frozen=True)
class Maker:
    """Makes rows by a recipe. It travels to other processes, so what is costly is made where it is used."""

    recipe: Recipe
    tokenizer: Path | None
    key: str

    @cached_property
    def scrubber(self) -> Scrubber:
        return Scrubber(self.key)

    @cached_property
    def length(self) -> Length | None:
        return load_length(self.tokenizer) if self.tokenizer else None

    def make(self, line: Line, text: bytes) -> tuple[Source, list[Draft]]:
        """The source of one line, and its rows, also those that can't stand.

        Raises BadInput for a line of narratives that is none.
        """
        if line.by_user:
            return self._of_user(line.digest, read_rows(text).examples[0])
        try:
            raw = msgspec.json.decode(text, type=Narrative)
            narrative = msgspec.convert(self.scrubber.data(msgspec.to_builtins(raw)), Narrative)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadInput(f"{line.file}: a line is no narrative: {error}", "make it again: scantune retry") from None
        return _source(line.digest, raw, narrative), list(drafts(narrative, self.recipe.tasks, self._judge))

    def _of_user(self, digest: str, example: Example) -> tuple[Source, list[Draft]]:
        clean = msgspec.convert(self.scrubber.data(msgspec.to_builtins(example)), Example)
        return _user_source(digest, clean), [Draft(clean.task or USER, clean, *self._judge(clean), shortened=False)]

    def _judge(self, example: Example) -> Judgement:
        length = tokens(example, self.length, self.recipe.limit)
        return Judgement(length, TOO_LONG if length > self.recipe.limit else fault(example))

    def line(self, example: Example) -> bytes:
        """The row as it is written."""
        if self.recipe.format == "chat":
            return msgspec.json.encode({"messages": example.messages})
        asked, answered = KEYS[self.recipe.format]
        return msgspec.json.encode({asked: example.prompt, answered: example.answer})


def make_maker(settings: Settings, root: Path) -> Maker:
    """The maker that the settings ask for; `root` is the workspace, where the embedded base model lies."""
    chosen = settings.dataset
    tokenizer = _tokenizer(settings, root)
    recipe = Recipe(
        tasks=_shares(chosen.tasks),
        format=chosen.format,
        limit=settings.fine_tuning.training.max_seq_length,
        tokenizer=hashlib.sha256(tokenizer.read_bytes()).hexdigest() if tokenizer else None,
        key=hashlib.sha256(chosen.pseudonym_key.encode()).hexdigest()[:16],
    )
    return Maker(recipe, tokenizer, chosen.pseudonym_key)


def _shares(mix: Tasks) -> dict[str, float]:
    return {
        "analyse": mix.analyse,
        "explain": mix.explain,
        "fix": mix.fix,
        "triage": mix.triage,
        "cwe": mix.cwe,
        "cvss": mix.cvss,
        "no_fix": mix.no_fix,
        "unknown": mix.unknown,
    }


class Built(Record, frozen=True, kw_only=True):
    """The settings that a dataset was built by."""

    tasks: dict[str, float]  # task: share of problems
    format: Format
    limit: int  # tokens of a row
    tokenizer: str | None  # SHA-256 of the base model's tokenizer; None: lengths are estimated
    own_pseudonym_key: bool
    valid_share: float
    test_share: float
    near_duplicate: float
    max_per_rule: int
    max_per_repository: int
    parquet: bool
    rows_version: str


def read_built(settings: Settings, recipe: Recipe) -> Built:
    chosen = settings.dataset
    return Built(
        tasks=recipe.tasks,
        format=recipe.format,
        limit=recipe.limit,
        tokenizer=recipe.tokenizer,
        own_pseudonym_key=bool(chosen.pseudonym_key),
        valid_share=chosen.valid_share,
        test_share=chosen.test_share,
        near_duplicate=chosen.near_duplicate,
        max_per_rule=chosen.max_per_rule,
        max_per_repository=chosen.max_per_repository,
        parquet=chosen.parquet,
        rows_version=recipe.version,
    )


def settings_read(settings: Settings, root: Path) -> dict[str, object]:
    """The settings that a dataset depends on; part of its job's key."""
    recipe = make_maker(settings, root).recipe
    return {"built": msgspec.to_builtins(read_built(settings, recipe)), "pseudonyms": recipe.key}


def _tokenizer(settings: Settings, root: Path) -> Path | None:
    """The base model's `tokenizer.json`, if the model and the library that reads it are on this machine."""
    if find_spec("tokenizers") is None:
        return None
    try:
        file = find_base(settings.default_base_model, settings, root).path / "tokenizer.json"
    except JobError:
        return None
    return file if file.is_file() else None


def _source(digest: str, raw: Narrative, narrative: Narrative) -> Source:
    """Group and subject follow from the narrative as it was, so that no change of the scrubber moves a row."""
    finding = narrative.analysis.finding
    return Source(
        digest=digest,
        own=own_key(raw.analysis.finding),
        aliases=other_keys(raw.analysis.finding),
        subject=subject(raw.analysis.finding),
        weight=len(narrative.what) + len(narrative.why) + len(narrative.fix) + len(finding.description or ""),
        fingerprint=finding.fingerprint,
        tool=finding.tool,
        repository=finding.repository,
        tools=tuple(sorted({finding.tool, *(each.tool for each in finding.occurrences)})),
        seen=max(1, len(finding.occurrences)),
        rule_id=finding.rule_id or finding.title,
        class_=finding.class_,
        severity=finding.severity,
        pointer=finding.pointer,
        member=finding.member,
        licence=licence_of(advisories(raw.analysis.finding)),
        origin=narrative.origin,
        faults=(),
    )


def _user_source(digest: str, example: Example) -> Source:
    named = named_in(example.prompt)
    return Source(
        digest=digest,
        own=example.group or (named[0] if named else f"row {text_key(example)}"),
        aliases=named,
        subject="",
        weight=0,
        fingerprint="",
        tool="",
        repository=None,
        tools=(),
        seen=1,
        rule_id="",
        class_=None,
        severity="unknown",
        pointer="",
        member=None,
        licence="its author's",
        origin=Origin(kind="user", version="1"),
        faults=(),
    )
