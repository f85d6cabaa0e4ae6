"""Which rows stand in the dataset: a function of the set of sources, whatever order they came in.

A row's side is decided by its source's own key and never changes. A row may only be left out, and each is counted:
rows of a group that a later alias joined across sides, repeated sightings of a problem, the same text twice, rows that
say nearly the same, rows beyond the share of a rule or a report. A person's row comes before generated ones.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from handlers.dataset.groups import Groups
from handlers.dataset.lines import Lines
from handlers.dataset.making import Item, Source
from handlers.dataset.near import near_rows
from handlers.dataset.shards import Shard
from handlers.dataset.split import SIDES, Side

HELD = {side: len(SIDES) - number for number, side in enumerate(SIDES)}
"""Sorts sides: the further held out, the earlier."""


class Row(NamedTuple):
    """A row that may stand in the dataset; `shard` tells which shard holds its line."""

    item: Item
    source: Source
    shard: int
    side: Side
    group: str


class Problem(NamedTuple):
    """One problem of a group as its best source tells it, how often it was seen, and by whom."""

    best: Source
    sightings: int
    tools: tuple[str, ...]


class Choice(NamedTuple):
    rows: tuple[Row, ...]  # ordered by the digests of their texts
    problems: dict[str, Problem]  # by the digest of the source that tells it
    left_out: Counter[str]
    groups: dict[str, Side]  # that have a row
    made: int


@dataclass(frozen=True)
class Rules:
    """The settings that choosing depends on."""

    side: Callable[[str], Side]
    near_duplicate: float
    per_rule: dict[Side, int]
    per_report: dict[Side, int]


def choose(shards: Sequence[Shard], lines: Lines, rules: Rules) -> Choice:
    """Chooses the rows of a dataset; `lines` tells in how many inputs a source stands, and in which first."""
    sources = [(number, each) for number, shard in enumerate(shards) for each in shard.sources]
    left_out: Counter[str] = Counter()
    for _, source in sources:
        left_out.update(dict(source.faults))
    groups = Groups()
    for _, source in sources:
        groups.unite((source.own, *source.aliases))
    standing = _on_winning_side(sources, groups, rules.side, left_out)
    problems, rows = _best_of_each(standing, lines.inputs, left_out)
    rows = _untorn(rows, _texts_on_two_sides(sources, rules.side), left_out)
    rows = _unanswered(_unrepeated(rows, left_out), left_out)
    rows = _unlike(rows, shards, rules.near_duplicate, left_out)
    rows = _balanced(rows, rules.per_rule, lambda row: row.source.rule_id, "of a rule", left_out)
    rows = _balanced(rows, rules.per_report, lambda row: lines.homes[row.source.digest], "of a report", left_out)
    rows.sort(key=lambda row: row.item.key)
    made = sum(source.made for _, source in sources)
    return Choice(tuple(rows), problems, left_out, {row.group: row.side for row in rows}, made)


Sources = Sequence[tuple[int, Source]]
Placed = tuple[int, Source, str, Side]


def _on_winning_side(
    sources: Sources, groups: Groups, side: Callable[[str], Side], left_out: Counter[str]
) -> list[Placed]:
    """Per group only the sources of the side that is held out the furthest."""
    placed = [(number, source, groups.find(source.own), side(source.own)) for number, source in sources]
    winning: dict[str, Side] = {}
    for _, _, group, own in placed:
        winning[group] = min(own, winning.get(group, own), key=HELD.__getitem__)
    for _, source, group, own in placed:
        if own != winning[group]:
            left_out["group joined across sides"] += len(source.items)
    return [each for each in placed if each[3] == winning[each[2]]]


def _best_of_each(
    standing: Iterable[Placed], inputs: Counter[str], left_out: Counter[str]
) -> tuple[dict[str, Problem], list[Row]]:
    """Per problem of a group the source that says most; the others are sightings."""
    told: dict[tuple[str, str], list[Placed]] = defaultdict(list)
    for each in standing:
        source = each[1]
        told[each[2], source.digest if source.by_user else source.subject].append(each)
    problems, rows = {}, []
    for sightings in told.values():
        number, best, group, side = min(sightings, key=lambda each: _rank(each[1]))
        tools = {tool for _, source, _, _ in sightings for tool in source.tools}
        seen = sum(source.seen * inputs[source.digest] for _, source, _, _ in sightings)
        problems[best.digest] = Problem(best, seen, tuple(sorted(tools)))
        left_out["seen before"] += sum(len(source.items) for _, source, _, _ in sightings) - len(best.items)
        rows += [Row(item, best, number, side, group) for item in best.items]
    return problems, rows


def _rank(source: Source) -> tuple[bool, int, str]:
    """A person's row first, then the source that says most; the digest decides between equals."""
    return not source.by_user, -source.weight, source.digest


def _texts_on_two_sides(sources: Sources, side: Callable[[str], Side]) -> set[str]:
    """Texts that sources of different sides give. They stand nowhere: else one could move as data arrives."""
    first: dict[str, Side] = {}
    torn = set()
    for _, source in sources:
        own = side(source.own)
        for item in source.items:
            if first.setdefault(item.key, own) != own:
                torn.add(item.key)
    return torn


def _untorn(rows: list[Row], torn: set[str], left_out: Counter[str]) -> list[Row]:
    return _kept(rows, lambda row: row.item.key not in torn, "same text on two sides", left_out)


def _unrepeated(rows: list[Row], left_out: Counter[str]) -> list[Row]:
    """One row per text."""
    best: dict[str, Row] = {}
    for row in rows:
        other = best.setdefault(row.item.key, row)
        if other is not row and _rank(row.source) < _rank(other.source):
            best[row.item.key] = row
    left_out["same text"] += len(rows) - len(best)
    return list(best.values())


def _unanswered(rows: list[Row], left_out: Counter[str]) -> list[Row]:
    """No generated row where a person gave the answer to the same task of the group."""
    answered = {(row.group, row.item.task) for row in rows if row.source.by_user}
    if not answered:
        return rows
    stands = "a person's row stands for it"
    return _kept(rows, lambda row: row.source.by_user or (row.group, row.item.task) not in answered, stands, left_out)


def _unlike(rows: list[Row], shards: Sequence[Shard], threshold: float, left_out: Counter[str]) -> list[Row]:
    """No row that says nearly the same as a better one; what is held out is better than what is trained on."""
    if threshold >= 1 or not rows:
        return rows
    rows.sort(key=lambda row: (HELD[row.side], not row.source.by_user, row.item.key))
    matrices = [shard.signatures for shard in shards]
    starts = np.cumsum([0, *map(len, matrices)]).tolist()
    signatures = np.concatenate(matrices)[[starts[row.shard] + row.item.place for row in rows]]
    numbers = {task: number for number, task in enumerate(sorted({row.item.task for row in rows}))}
    held = sum(row.side != "train" for row in rows)
    near = near_rows(signatures, [numbers[row.item.task] for row in rows], held, threshold)
    left_out["nearly the same text"] += int(near.sum())
    return [row for row, repeats in zip(rows, near.tolist(), strict=True) if not repeats]


def _balanced(
    rows: list[Row], most: dict[Side, int], owner: Callable[[Row], str], whose: str, left_out: Counter[str]
) -> list[Row]:
    """At most so many rows of an owner and task on a side; a digest draws which, a person's rows do not count."""
    if max(Counter(map(owner, rows)).values(), default=0) <= min(most.values()):
        return rows
    names = [(row.side, owner(row), row.item.task) for row in rows]
    many = {name for name, count in Counter(names).items() if count > most[name[0]]}
    if not many:
        return rows
    drawn: dict[tuple[Side, str, str], list[Row]] = defaultdict(list)
    for row, name in zip(rows, names, strict=True):
        if name in many and not row.source.by_user:
            drawn[name].append(row)
    over = [
        (sorted(map(_lot, found))[most[name[0]]], found) for name, found in drawn.items() if len(found) > most[name[0]]
    ]
    left = {row.item.key for limit, found in over for row in found if _lot(row) >= limit}
    return _kept(rows, lambda row: row.item.key not in left, f"more rows {whose} than its share", left_out)


def _lot(row: Row) -> str:
    return hashlib.blake2b(f"lot {row.item.key}".encode(), digest_size=16).hexdigest()


def _kept(rows: list[Row], stands: Callable[[Row], bool], reason: str, left_out: Counter[str]) -> list[Row]:
    kept = [row for row in rows if stands(row)]
    left_out[reason] += len(rows) - len(kept)
    return kept
