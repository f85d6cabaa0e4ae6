"""From a reader's `Problem` to a `Finding`: every text bounded and printable, every name in its common form."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from handlers.readers import identifiers
from handlers.readers import severity as scale
from handlers.readers.interface import Ledger, Problem
from handlers.records import Finding, Location, Occurrence, Package, Severity

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
CONTROL_BYTES = bytes(each for each in range(128) if CONTROL.match(chr(each)))
SHORT = 2_000
"""Characters kept of a name, path or id: longer ones are nobody's name."""
REDACTED = "[redacted]"
MANY = 32_768
"""Names and paths that are remembered in their clean form: they come again and again."""
LARGEST = 2**53
"""No line or column is as large; JSON carries no larger whole number exactly."""
NOWHERE = Location()
CREDENTIALS = {"CWE-259", "CWE-321", "CWE-798"}
"""Weaknesses whose quoted code is the password or key itself."""
LITERAL = re.compile(r"""(["'`])((?:(?!\1)[^\n]){4,})\1""")


def finding(problem: Problem, ledger: Ledger, form: str, max_text: int) -> Finding:
    """The finding that a problem states, still without its fingerprint (merging decides that)."""
    cwes = identifiers.cwes(problem.cwes)
    quotes_secret = problem.class_ == "secret" or (problem.class_ == "code" and not CREDENTIALS.isdisjoint(cwes))
    hide = Words([*problem.secrets, *_literals(problem.snippet)] if quotes_secret else problem.secrets, max_text)
    tool = hide.name(problem.tool) or ledger.tool
    rule = hide.name(problem.rule_id)
    ids = () if problem.ids == () else identifiers.advisory_ids(map(hide.name, problem.ids))
    severity, raw, origin, score = _severity(problem)
    pointer = problem.record.pointer
    return Finding(
        fingerprint="",
        tool=tool,
        tool_version=hide.name(ledger.tool_version),
        format=form,
        repository=identifiers.repository(problem.repository or ledger.repository),
        rule_id=rule,
        title=hide.repeated(problem.title) or rule or (ids[0] if ids else "untitled finding"),
        class_=problem.class_,
        severity=severity,
        severity_raw=hide.name(raw),
        severity_origin=origin,
        cvss_vector=hide.name(problem.cvss_vector),
        cvss_score=score,
        cwes=cwes,
        ids=ids,
        description=hide.text(problem.description),
        remediation=hide.repeated(problem.remediation),
        references=hide.names(problem.references),
        snippet=None if quotes_secret else hide.text(problem.snippet),
        locations=_locations(problem, hide),
        package=_package(problem.package, hide),
        suppressed=problem.suppressed,
        suppression=hide.text(problem.suppression),
        pointer=pointer,
        member=ledger.member,
        occurrences=(Occurrence(pointer=pointer, member=ledger.member, tool=tool, rule_id=rule),),
    )


def _literals(code: str | None) -> list[str]:
    """The texts in quotes in a piece of code."""
    return [match[1] for match in LITERAL.findall(code)] if code else []


class Words:
    """Makes texts of a report fit to be kept: bounded, no control characters, no lone surrogates, no found secret."""

    __slots__ = ("_max_text", "_secrets")

    def __init__(self, secrets: Iterable[str | None], max_text: int) -> None:
        self._secrets = sorted({each for each in secrets if each and len(each) >= 4}, key=len, reverse=True)
        self._max_text = max_text

    def text(self, value: str | None) -> str | None:
        return _clean(self._hidden(value) if self._secrets else value, self._max_text) if value else None

    def name(self, value: str | None) -> str | None:
        return _clean_name(self._hidden(value) if self._secrets else value) if value else None

    def repeated(self, value: str | None) -> str | None:
        """A text that many findings share, such as a rule's."""
        return _clean_again(self._hidden(value), self._max_text) if value else None

    def names(self, values: Iterable[str | None]) -> tuple[str, ...]:
        return () if values == () else tuple(dict.fromkeys(name for value in values if (name := self.name(value))))

    def _hidden(self, value: str) -> str:
        """The value without the secrets in it."""
        for secret in self._secrets:
            value = value.replace(secret, REDACTED)
        return value


def _clean(value: str, limit: int) -> str | None:
    if not value.isascii() or len(value.encode().translate(None, CONTROL_BYTES)) != len(value):
        value = CONTROL.sub("", value.encode("utf-8", "replace").decode("utf-8"))
    value = value.strip()
    return (value if len(value) <= limit else value[: limit - 1] + "…") or None


_clean_again = functools.lru_cache(maxsize=2048)(_clean)


@functools.lru_cache(maxsize=MANY)
def _clean_name(value: str) -> str | None:
    return _clean(value, SHORT)


def _severity(problem: Problem) -> tuple[Severity, str | None, str | None, float | None]:
    """(severity, the report's word, the field that said it, CVSS score)."""
    raw = problem.severity
    said = None if raw is None else str(raw).strip() or None
    score = problem.cvss_score
    if score is None and problem.cvss_vector:
        score = scale.score_of(problem.cvss_vector)
    if score is not None and scale.from_score(score) is None:
        score = None
    word = _said(said) if problem.scale is None else scale.from_word(said or "", problem.scale) or _said(said)
    if word is not None or (said is not None and score is None):
        return word or "unknown", said, problem.severity_origin, score
    if score is not None:
        return scale.from_score(score) or "unknown", said or str(score), "cvss", score
    return "unknown", None, None, None


@functools.lru_cache(maxsize=1024)
def _said(word: str | None) -> Severity | None:
    """What a word or a number means by itself."""
    if word is None:
        return None
    number = _number(word)
    return scale.from_score(number) if number is not None else scale.from_word(word)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _locations(problem: Problem, hide: Words) -> tuple[Location, ...]:
    own = Location(
        path=problem.path,
        line=problem.line,
        end_line=problem.end_line,
        column=problem.column,
        url=problem.url,
        method=problem.method,
        symbol=problem.symbol,
    )
    given = problem.locations if own == NOWHERE else (own, *problem.locations)
    return told(_location(each, hide) for each in given)


def told(given: Iterable[Location]) -> tuple[Location, ...]:
    """Those that say something, each once."""
    kept = tuple([place for place in given if place != NOWHERE])
    return tuple(dict.fromkeys(kept)) if len(kept) > 1 else kept


def _location(place: Location, hide: Words) -> Location:
    return location(
        hide.name(place.path),
        url=hide.name(place.url),
        line=place.line,
        end_line=place.end_line,
        column=place.column,
        method=hide.name(place.method),
        symbol=hide.name(place.symbol),
    )


def location(
    path: str | None,
    *,
    url: str | None = None,
    line: int | None = None,
    end_line: int | None = None,
    column: int | None = None,
    method: str | None = None,
    symbol: str | None = None,
) -> Location:
    """A location with clean texts and possible numbers."""
    return Location(
        path=clean_path(path) if path else None,
        url=_clean_name(url) if url else None,
        line=line if line is not None and 0 < line < LARGEST else None,
        end_line=end_line if end_line is not None and 0 < end_line < LARGEST else None,
        column=column if column is not None and 0 < column < LARGEST else None,
        method=_clean_name(method) if method else None,
        symbol=_clean_name(symbol) if symbol else None,
    )


@functools.lru_cache(maxsize=MANY)
def clean_path(path: str) -> str | None:
    """A path as `identifiers.clean_path` gives it, fit to be kept; a clean one stays as it is."""
    plain = identifiers.clean_path(path)
    return _clean(plain, SHORT) if plain else None


def _package(package: Package | None, hide: Words) -> Package | None:
    name = hide.name(package.name) if package else None
    if package is None or name is None:
        return None
    return Package(
        name=name,
        ecosystem=hide.name(package.ecosystem),
        version=hide.name(package.version),
        fixed_versions=hide.names(package.fixed_versions),
        purl=hide.name(package.purl),
    )
