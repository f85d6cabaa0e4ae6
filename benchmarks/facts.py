"""How far what scantune reads agrees with what independent readers found in the same reports.

    python benchmarks/facts.py [PART_OF_A_PATH]        # a table by field, and every value that differs

Compared are the values that both sides have. The facts lie beside the checkout (`../shared/facts`).
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handlers.readers import Limits
from handlers.readers.documents import parse
from handlers.readers.encoding import decode
from handlers.readers.finish import finding
from handlers.readers.identifiers import cwes
from handlers.readers.interface import Ledger
from handlers.readers.registry import reader_for
from handlers.readers.severity import from_word
from handlers.records import Finding

SHARED = Path(__file__).parents[2] / "shared"
Fact = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    file: str
    field: str
    fact: str
    ours: str


def unmerged(file: Path) -> list[Finding]:
    """Every record of a report as a finding of its own, in the report's order."""
    limits, ledger = Limits(), Ledger("")
    kind, document = parse(decode(file.read_bytes(), ledger), limits.max_depth, ledger)
    reader = reader_for(kind, document)
    return [finding(each, ledger, reader.name, limits.max_text) for each in reader.read(document, ledger)]


def _path(value: Any) -> str:
    text = re.sub(r"^file:/*", "/", str(value)).replace("\\", "/").replace("%20", " ")
    return text.removeprefix("./").strip("/").lower()


def _fact_path(value: Any) -> str:
    """Without the project's key that Sonar puts before the path."""
    return _path(re.sub(r"^[\w.-]+:(?=[^/\\])", "", str(value)))


def _paths(ours: Finding) -> set[str]:
    named = [value for place in ours.locations for value in (place.path, place.url, place.symbol) if value]
    return {_path(each) for each in named}


def _text(value: Any) -> str:
    return re.sub(r"[\x00\s]+", "", str(value)).lower()


def _version(value: Any) -> str:
    return _text(value).removeprefix("v")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _one_of(
    values: Callable[[Finding], set[str]], plain: Callable[[Any], str]
) -> Callable[[Any, Finding], bool | None]:
    def agree(fact: Any, ours: Finding) -> bool | None:
        have = values(ours)
        return None if not have else any(plain(each) in have for each in _list(fact))

    return agree


def _severity(fact: Any, ours: Finding) -> bool | None:
    return None if ours.severity == "unknown" else _text(fact) == ours.severity


def _raw(fact: Any, ours: Finding) -> bool | None:
    if ours.severity_origin == "security-severity" or ours.severity_raw is None:
        return None
    return _text(fact) == _text(ours.severity_raw) or from_word(fact) == ours.severity


def _cwes(fact: Any, ours: Finding) -> bool | None:
    named = cwes(fact)
    return None if not named or not ours.cwes else set(named) <= set(ours.cwes)


def _ids(fact: Any, ours: Finding) -> bool | None:
    named = {each.upper() for each in _list(fact) if re.match(r"CVE-|GHSA-", str(each), re.IGNORECASE)}
    return None if not named or not ours.ids else named <= {each.upper() for each in ours.ids}


def _lines(ours: Finding) -> set[str]:
    return {str(place.line) for place in ours.locations if place.line}


def _names(ours: Finding) -> set[str]:
    package = ours.package
    if package is None:
        return set()
    return {_text(package.name), _text(package.name).replace(":", "/"), _text(package.name.replace("/", ":"))}


_file = _one_of(_paths, _fact_path)
_line = _one_of(_lines, str)
_rule = _one_of(
    lambda ours: {_text(each) for each in (ours.rule_id, *ours.ids) if each},
    lambda fact: _text(re.sub(r"^\w+:(?=B\d+$)", "", str(fact))),  # Bandit's `assert_used:B101`
)
_package = _one_of(_names, _text)
_installed = _one_of(lambda o: {_version(o.package.version)} if o.package and o.package.version else set(), _version)
_fixed = _one_of(
    lambda o: {_version(each) for each in o.package.fixed_versions} if o.package else set(),
    lambda fact: _version(str(fact).partition(",")[0]),
)

FINDINGS = {
    "rule_id": _rule, "severity": _severity, "cwe": _cwes, "cwes": _cwes, "file": _file, "line": _line,
    "package": _package, "installed_version": _installed, "fixed_version": _fixed, "vuln_ids": _ids,
}  # fmt: skip
RECORDS = {
    "id": _rule, "severity": _raw, "level": _raw, "cwe": _cwes, "file": _file, "target": _file, "line": _line,
    "package": _package, "installed": _installed, "fixed": _fixed, "aliases": _ids,
}  # fmt: skip
Fields = dict[str, Callable[[Any, Finding], bool | None]]


def compare(
    name: str, facts: list[Fact], ours: list[Finding], fields: Fields
) -> Iterator[tuple[str, Difference | None]]:
    """(field, None) for a value that agrees, else (field, what differs); a fact meets the record that fits it best."""
    left = list(ours)
    if len(facts) > len(ours):  # the facts hold passed checks too
        facts = [fact for fact in facts if fact.get("level") != "none"]
    for fact in facts:
        if not left:
            return
        verdicts = {id(each): _verdict(fact, each, fields) for each in left}
        best = max(left, key=lambda each: sum(1 if ok else -1 for ok in verdicts[id(each)].values()))
        if len(ours) >= len(facts):
            left.remove(best)
        for field, ok in verdicts[id(best)].items():
            yield field, None if ok else Difference(name, field, str(fact[field])[:100], _shown(field, best))


def _verdict(fact: Fact, ours: Finding, fields: Fields) -> dict[str, bool]:
    judged = {field: agree(fact[field], ours) for field, agree in fields.items() if _says(fact.get(field))}
    return {field: ok for field, ok in judged.items() if ok is not None}


def _says(value: Any) -> bool:
    return value not in (None, "", 0, [])


def _shown(field: str, ours: Finding) -> str:
    place = ours.locations[0] if ours.locations else None
    return f"{ours.rule_id} {ours.severity}/{ours.severity_raw} {ours.cwes} {ours.ids} {place} {ours.package}"[:260]


def everything(part: str = "") -> tuple[Counter[str], list[Difference]]:
    """(values compared by field, those that differ) over all facts whose path has `part` in it."""
    compared: Counter[str] = Counter()
    differences: list[Difference] = []
    for file in sorted((SHARED / "facts").rglob("*.facts.json")):
        if part not in str(file):
            continue
        told = json.loads(file.read_text())
        ours = unmerged(SHARED / told["file"])
        for kind, fields in (("findings", FINDINGS), ("records", RECORDS)):
            for field, difference in compare(told["file"], told.get(kind) or [], ours, fields):
                compared[f"{kind}.{field}"] += 1
                if difference is not None:
                    differences.append(Difference(told["file"], f"{kind}.{field}", difference.fact, difference.ours))
    return compared, differences


def main() -> None:
    compared, differences = everything(sys.argv[1] if len(sys.argv) > 1 else "")
    wrong = Counter(each.field for each in differences)
    for each in differences:
        print(f"{each.file}\n    {each.field}: {each.fact!r} but we have {each.ours}")
    for field, count in sorted(compared.items()):
        print(f"{field:28} {count:6} compared {wrong[field]:5} differ   {100 * (1 - wrong[field] / count):6.2f} %")
    total = compared.total()
    print(f"{'all':28} {total:6} compared {len(differences):5} differ   {100 * (1 - len(differences) / total):6.2f} %")


if __name__ == "__main__":
    main()
