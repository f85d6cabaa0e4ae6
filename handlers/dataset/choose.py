"""Which rows stand in the dataset: a function of the set of sources, whatever order they came in.

A row's side is decided by its source's own key and never changes. A row may only be left out, and each is counted:
rows of a group that a later alias joined across sides, repeated sightings of a problem, the same text twice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from handlers.dataset.groups import Groups
from handlers.dataset.shards import Item, Source
from handlers.dataset.split import SIDES, Side


class Row(NamedTuple):
    """A row that may stand in the dataset; `shard` tells which shard holds its line."""

    item: Item
    source: Source
    shard: int
    side: Side
    group: str


class Problem(NamedTuple):
    """One problem of a group, as its best source tells it, and how often and by whom it was seen."""

    best: Row  # its item is of no account
    sightings: int
    tools: tuple[str, ...]


class Choice(NamedTuple):
    rows: tuple[Row, ...]
    problems: dict[str, Problem]  # by the digest of the source that tells it
    left_out: Counter[str]
    groups: dict[str, Side]


def choose(shards: Sequence[Iterable[Source]], side: Callable[[str], Side]) -> Choice:
    """Chooses the rows of a dataset from all sources seen so far; `side` gives the side of an own key."""
    sources = [(number, each) for number, shard in enumerate(shards) for each in shard]
    left_out: Counter[str] = Counter()
    groups = Groups()
    for _, each in sources:
        groups.unite((each.own, *each.aliases))
    kept_side = _winning_sides(sources, groups, side)
    torn = _texts_on_two_sides(sources, side)
    rows: list[Row] = []
    told: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for number, source in sources:
        group = groups.find(source.own)
        if side(source.own) != kept_side[group]:
            left_out["group joined across sides"] += len(source.items)
            continue
        for item in source.items[:1]:
            problem = f"row {source.digest}" if source.by_user else source.subject
            told[group, problem].append(Row(item, source, number, kept_side[group], group))
    problems = {}
    for sightings in told.values():
        best = min(sightings, key=_rank)
        problems[best.source.digest] = _problem(best, sightings)
        left_out["seen before"] += sum(len(each.source.items) for each in sightings) - len(best.source.items)
        rows += [best._replace(item=item) for item in best.source.items]
    kept = _without_repeats(_without_torn(rows, torn, left_out), left_out)
    standing = {row.group: row.side for row in kept}
    return Choice(tuple(sorted(kept, key=lambda row: row.item.key)), problems, left_out, standing)


def _problem(best: Row, sightings: Sequence[Row]) -> Problem:
    tools = {tool for each in sightings for tool in each.source.tools}
    return Problem(best, sum(each.source.seen for each in sightings), tuple(sorted(tools)))


Sources = Sequence[tuple[int, Source]]


def _winning_sides(sources: Sources, groups: Groups, side: Callable[[str], Side]) -> dict[str, Side]:
    """Per group the side that is held out the furthest among its members' own sides."""
    winning: dict[str, Side] = {}
    for _, source in sources:
        group, own = groups.find(source.own), side(source.own)
        if SIDES.index(own) >= SIDES.index(winning.get(group, "train")):
            winning[group] = own
    return winning


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


def _rank(row: Row) -> tuple[bool, int, str]:
    """A person's row first, then the source that says most; the digest decides between equals."""
    return not row.source.by_user, -row.source.weight, row.source.digest


def _without_torn(rows: Iterable[Row], torn: set[str], left_out: Counter[str]) -> list[Row]:
    kept = []
    for row in rows:
        if row.item.key in torn:
            left_out["same text on two sides"] += 1
        else:
            kept.append(row)
    return kept


def _without_repeats(rows: Iterable[Row], left_out: Counter[str]) -> list[Row]:
    """One row per text, and no generated row where a person gave the answer to the same task of the group."""
    best: dict[str, Row] = {}
    for row in rows:
        other = best.get(row.item.key)
        left_out["same text"] += other is not None
        if other is None or _rank(row) < _rank(other):
            best[row.item.key] = row
    answered = {(row.group, row.item.task) for row in best.values() if row.source.by_user}
    kept = [row for row in best.values() if row.source.by_user or (row.group, row.item.task) not in answered]
    left_out["a person's row stands for it"] += len(best) - len(kept)
    return kept
