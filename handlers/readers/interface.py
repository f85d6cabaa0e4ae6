"""What a format's module works with: `Reader` says who it is, `Problem` is what it makes, `Ledger` keeps the books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from handlers.readers.node import Node
from handlers.records import Class, Location, Package, Severity

MOST_WARNINGS = 50
"""How many different warnings of one report are told; the rest is counted."""

Kind = Literal["json", "xml", "csv", "text"]


class MalformedError(Exception):
    """The report is not what its format promises: it goes to quarantine with this text."""

    hint: str | None = None  # what the person can do about it


class UnknownFormatError(MalformedError):
    """Nobody knows the report."""

    hint = "use another output of the scanner (SARIF is read of any), or a list as docs/generic-format.md shows it"


@dataclass(slots=True)
class Problem:
    """One record that states a problem, in the report's own words; `finish.finding` normalises it.

    `record` gives the pointer. A single place goes into path/line/…; several into `locations`.
    """

    record: Node
    class_: Class
    title: str | None = None
    rule_id: str | None = None
    severity: str | float | None = None  # as the report says it: words, or a CVSS score
    severity_origin: str = "severity"  # the field that said it
    scale: Mapping[str, Severity] | None = None  # the tool's own words, lower case, where `severity.WORDS` does not fit
    cvss_vector: str | None = None
    cvss_score: float | None = None
    cwes: object = ()  # anything that names CWEs: 79, "CWE-79: …", a list of such, a Node
    ids: Iterable[str | None] = ()  # CVE, GHSA and other advisory ids; Nones are dropped
    description: str | None = None
    remediation: str | None = None
    references: Iterable[str | None] = ()
    snippet: str | None = None
    path: str | None = None
    line: int | None = None
    end_line: int | None = None
    column: int | None = None
    url: str | None = None
    method: str | None = None
    symbol: str | None = None
    locations: Sequence[Location] = ()
    package: Package | None = None
    suppressed: bool = False
    suppression: str | None = None
    secrets: Iterable[str | None] = ()  # found secrets: blotted out of every text of the finding
    tool: str | None = None  # if it differs from the ledger's
    repository: str | None = None  # the same


@dataclass(slots=True)
class Ledger:
    """The books of one report while it is read; a reader sets `tool` and `tool_version` as soon as it knows them."""

    tool: str
    tool_version: str | None = None
    repository: str | None = None  # of what was scanned, as the report writes it: a link, or owner/name
    member: str | None = None  # the report's path in its archive
    failed: str | None = None
    left_out: int = 0
    warned: int = 0  # how often something was warned of
    statements: int = 0  # lists of records that were there, even if empty: without one, nothing is said about findings
    skipped: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)

    def skip(self, reason: str, count: int = 1) -> None:
        """Counts records that state no problem: passes, informational, malformed ones."""
        if count:
            self.skipped[reason] += count

    def leave_out(self, why: str, count: int = 1) -> None:
        """Counts problems that are dropped on purpose; `why` becomes a warning."""
        self.left_out += count
        self.warn(f"left out: {why}", count)

    def warn(self, text: str, count: int = 1) -> None:
        """Something was not usable. Equal texts are told once, with their count."""
        self.warnings[text] += count
        self.warned += count

    def warn_at(self, node: Node, text: str) -> None:
        """The same, with the place."""
        self.warn(f"{node.pointer or 'the document'}: {text}")

    def counted(self, told: int | None, listed: Node) -> None:
        """The report's own count of its problems: nothing listed below a count is no clean report."""
        if told and not listed:
            self.warn(f"the report counts {told} problems and lists none")

    def expects(self, root: Node, path: str) -> None:
        """An element of XML that is there in every report, even in one that found nothing."""
        if not root.at(path).is_object:
            self.warn(f"there is no {path} in it: this is no statement that nothing was found")

    def scan_failed(self, reason: str) -> None:
        """The report itself says that the scan did not run to its end."""
        self.failed = self.failed or reason

    def malformed(self, node: Node, what: str = "is no object") -> None:
        """Counts and names a record that can't be read."""
        self.skip("malformed")
        self.warn(f"{node.pointer or 'the document'} {what}")

    def records(self, node: Node, path: str = "") -> Iterator[Node]:
        """The objects of a list of records.

        A null or missing list is empty; an element that is no object is counted as malformed.
        Raises MalformedError if there is something else than a list: then findings would vanish in silence.
        """
        there = node.at(path) if path else node
        self.statements += there.is_list or (there.parent is not None and str(there.key) in there.parent)
        yield from self._objects(there, node.items(path), "an array")

    def entries(self, node: Node) -> Iterator[Node]:
        """The objects of JSON Lines, of a list, or the one object that the document is."""
        self.statements += node.is_list
        yield from self._objects(node, node.entries(), "an array or an object")

    def members(self, node: Node, path: str = "") -> Iterator[tuple[str, Node]]:
        """The names and values of an object of records. Null, missing and `[]` (as PHP writes it) are empty.

        Raises MalformedError if there is anything else.
        """
        there = node.at(path) if path else node
        if not there.is_object and there.value not in (None, []):
            raise MalformedError(f"{there.pointer or 'the document'} should be an object")
        self.statements += there.is_object or there.is_list
        yield from there.fields()

    def _objects(self, there: Node, items: Iterable[Node], wanted: str) -> Iterator[Node]:
        if there.value is not None and not there.is_list and not there.is_object:
            raise MalformedError(f"{there.pointer or 'the document'} should be {wanted}")
        if wanted == "an array" and there.is_object and isinstance(there.value, dict):
            raise MalformedError(f"{there.pointer or 'the document'} should be {wanted}, not an object")
        for item in items:
            if item.is_object:
                yield item
            else:
                self.malformed(item)

    def told(self) -> tuple[str, ...]:
        """The warnings as texts, in the order in which they came up."""
        lines = [text if count == 1 else f"{text} ({count} times)" for text, count in self.warnings.items()]
        more = len(lines) - MOST_WARNINGS
        return tuple(lines[:MOST_WARNINGS]) + ((f"and {more} more kinds of warnings",) if more > 0 else ())


@dataclass(frozen=True, slots=True)
class Reader:
    """One format. `claims` looks at content only, and no two readers may claim the same report.

    `claims(document)` is asked for every document of its kind: a `Node` of the parsed JSON (JSON Lines and concatenated
    documents come as a list), an `XmlNode` of the root element, `{"columns": […], "rows": [{…}]}` of a CSV with a
    header, or the whole text. `read(document, ledger)` yields a `Problem` per record that states one.
    """

    name: str
    claims: Callable[[Node], bool]
    read: Callable[[Node, Ledger], Iterator[Problem]]
    kind: Kind = "json"
    tool: str = ""  # the scanner's name if it differs from the format's
    last_resort: bool = False  # asked only if nobody else claims the report


def reads(
    name: str, claims: Callable[[Node], bool], *, kind: Kind = "json", tool: str = "", last_resort: bool = False
) -> Callable[[Callable[[Node, Ledger], Iterator[Problem]]], Reader]:
    """Decorator: turns a `read` function into the `Reader` of its format."""

    def make(read: Callable[[Node, Ledger], Iterator[Problem]]) -> Reader:
        return Reader(name, claims, read, kind, tool, last_resort)

    return make
