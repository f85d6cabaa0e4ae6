"""Which rows stand in the dataset: a function of the set of sources, whatever order they came in.

A row's side is decided by its source's own key and never changes. A row may only be left out, and each is counted:
rows of a group that a later alias joined across sides, repeated sightings of a problem, the same text twice, rows that
say nearly the same, rows beyond the share of a rule, repository or report. A person's row comes before generated ones.
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
from handlers.dataset.making import Source
from handlers.dataset.near import near_rows
from handlers.dataset.shards import Stored
from handlers.dataset.split import SIDES, Side
from handlers.dataset.table import Flags, Numbers, Table, gather, keys_of

ORDER = SIDES[::-1]
"""Sides have numbers here: the further held out, the smaller."""


class Problem(NamedTuple):
    """How often a problem of a group was seen, and by whom."""

    sightings: int
    tools: tuple[str, ...]


class Choice(NamedTuple):
    """What was chosen, as numbers of rows and sources of the table."""

    table: Table
    rows: Numbers  # that stand, of the table; ordered by their keys
    groups: list[str]  # of each source
    sides: list[Side]  # of each source
    problems: dict[int, Problem]  # by the number of the source that tells it
    left_out: Counter[str]

    @property
    def made(self) -> int:
        """Rows before anything was left out."""
        return len(self.table.items) + sum(count for each in self.table.sources for _, count in each.faults)


@dataclass(frozen=True)
class Rules:
    """The settings that choosing depends on."""

    side: Callable[[str], Side]
    near_duplicate: float
    per_rule: dict[Side, int]
    per_repository: dict[Side, int]  # or per report that names none


def choose(shards: Sequence[Stored], lines: Lines, rules: Rules) -> Choice:
    """Chooses the rows of a dataset; `lines` tells in how many inputs a source stands, and in which first."""
    table = gather([each.shard for each in shards])
    groups = _groups(table.sources)
    sides: list[Side] = [rules.side(source.own) for source in table.sources]
    chosen = Choosing(table, np.array([ORDER.index(side) for side in sides], dtype=np.intp), numbered(groups))
    chosen.leave_torn_groups()
    problems = _best_of_each(chosen, groups, lines.inputs)
    chosen.keep_sources(problems, "seen before")
    chosen.leave_torn_texts()
    chosen.leave_repeated()
    chosen.leave_answered()
    chosen.leave_near(shards, rules.near_duplicate)
    chosen.balance(numbered(each.rule_id for each in table.sources), rules.per_rule, "of a rule")
    named = [each.repository for each in table.sources]
    homes = [None if each.repository else lines.homes[each.digest] for each in table.sources]
    chosen.balance(numbered(named), rules.per_repository, "of a repository")
    chosen.balance(numbered(homes), rules.per_repository, "of a report")
    rows = chosen.rows[np.argsort(table.texts[chosen.rows])]
    return Choice(table, rows, groups, sides, problems, chosen.left_out)


def numbered(names: Iterable[str | None]) -> Numbers:
    """A number for each name, equal for equal names; -1 for None."""
    known: dict[str | None, int] = {None: -1}
    return np.array([known.setdefault(name, len(known) - 1) for name in names], dtype=np.intp)


def _groups(sources: Sequence[Source]) -> list[str]:
    """The group of each source."""
    groups = Groups()
    for source in sources:
        if source.aliases and source.aliases != (source.own,):
            groups.unite((source.own, *source.aliases))
    return [groups.find(source.own) for source in sources]


def _best_of_each(chosen: Choosing, groups: Sequence[str], inputs: Counter[str]) -> dict[int, Problem]:
    """Per problem of a group the source that says most, by its number; the others are sightings."""
    sources, told = chosen.table.sources, defaultdict[tuple[str, str], list[int]](list)
    for number in np.flatnonzero(chosen.standing).tolist():
        source = sources[number]
        told[groups[number], source.digest if source.by_user else source.subject].append(number)
    problems, ranks = {}, chosen.ranks.tolist()
    for numbers in told.values():
        seen = sum(sources[each].seen * inputs[sources[each].digest] for each in numbers)
        tools = {tool for each in numbers for tool in sources[each].tools}
        problems[min(numbers, key=ranks.__getitem__)] = Problem(seen, tuple(sorted(tools)))
    return problems


class Choosing:
    """The rows that still stand, from all down to those of the dataset, and why others were left out."""

    def __init__(self, table: Table, sides: Numbers, groups: Numbers) -> None:
        self.table = table
        self.sides = sides  # of each source, as in ORDER
        self.groups = groups  # of each source
        self.users: Flags = np.array([each.by_user for each in table.sources], dtype=bool)
        self.ranks = _ranks(table.sources, self.users)
        self.standing: Flags = np.ones(len(table.sources), dtype=bool)
        self.rows: Numbers = np.arange(len(table.items))
        self.left_out = Counter[str]()
        for fault, count in (fault for each in table.sources for fault in each.faults):
            self.left_out[fault] += count

    @property
    def of(self) -> Numbers:
        """The source of each row that stands."""
        return self.table.items["source"][self.rows].astype(np.intp)

    @property
    def tasks(self) -> Numbers:
        return self.table.items["task"][self.rows].astype(np.intp)

    @property
    def texts(self) -> Numbers:
        return self.table.texts[self.rows]

    def keep(self, stays: Flags, reason: str) -> None:
        self.left_out[reason] += int(len(stays) - stays.sum())
        self.rows = self.rows[stays]

    def keep_sources(self, numbers: Iterable[int], reason: str) -> None:
        self.standing = np.zeros(len(self.standing), dtype=bool)
        self.standing[list(numbers)] = True
        self.keep(self.standing[self.of], reason)

    def leave_torn_groups(self) -> None:
        """Per group only the sources of the side that is held out the furthest."""
        winning = np.full(len(self.groups), len(ORDER))
        np.minimum.at(winning, self.groups, self.sides)
        self.keep_sources(np.flatnonzero(self.sides == winning[self.groups]).tolist(), "group joined across sides")

    def leave_torn_texts(self) -> None:
        """Texts that sources of different sides give stand nowhere: else one could move as data arrives."""
        on = np.zeros((len(self.table.items), len(ORDER)), dtype=bool)
        on[self.table.texts, self.sides[self.table.items["source"]]] = True
        self.keep(on[self.texts].sum(axis=1) == 1, "same text on two sides")

    def leave_repeated(self) -> None:
        """One row per text, of the best source."""
        self.rows = self.rows[np.lexsort((self.ranks[self.of], self.texts))]
        self.keep(np.diff(self.texts, prepend=-1) > 0, "same text")

    def leave_answered(self) -> None:
        """No generated row where a person gave the answer to the same task of the group."""
        users, asked = self.users[self.of], self.groups[self.of] * len(self.table.tasks) + self.tasks
        self.keep(users | ~np.isin(asked, asked[users]), "a person's row stands for it")

    def leave_near(self, shards: Sequence[Stored], threshold: float) -> None:
        """No row that says nearly the same as a better one; what is held out is better than what is trained on."""
        if threshold >= 1 or not len(self.rows):
            return
        of = self.of
        self.rows = self.rows[np.lexsort((self.texts, ~self.users[of], self.sides[of]))]
        signatures = np.concatenate([each.signatures for each in shards])[self.rows]
        held = int((self.sides[self.of] < ORDER.index("train")).sum())
        self.keep(~near_rows(signatures, self.tasks, held, threshold), "nearly the same text")

    def balance(self, owners: Numbers, most: dict[Side, int], whose: str) -> None:
        """At most `most` rows of an owner and task on a side; a digest draws which, a person's rows do not count.

        `owners` are the sources'; -1 is nobody's, and has no limit.
        """
        of = self.of
        free = self.users[of] | (owners[of] < 0)
        name = (owners[of] * len(ORDER) + self.sides[of]) * len(self.table.tasks) + self.tasks
        limits = np.array([most[side] for side in ORDER])[self.sides[of]]
        _, place, counts = np.unique(np.where(free, -1, name), return_inverse=True, return_counts=True)
        over = np.flatnonzero(~free & (counts[place] > limits))
        lots = [_lot(key) for key in keys_of(self.table.items[self.rows[over]])]
        drawn = defaultdict[int, list[tuple[str, int]]](list)
        for number, lot, group in zip(over.tolist(), lots, place[over].tolist(), strict=True):
            drawn[group].append((lot, number))
        stays = np.ones(len(self.rows), dtype=bool)
        for found in drawn.values():
            found.sort()
            stays[[number for _, number in found[limits[found[0][1]] :]]] = False
        self.keep(stays, f"more rows {whose} than its share")


def _ranks(sources: Sequence[Source], users: Flags) -> Numbers:
    """A person's row first, then the source that says most; the digest decides between equals."""
    digests = np.array([each.digest for each in sources], dtype="S32")
    weights = np.array([each.weight for each in sources], dtype=np.intp)
    ranks = np.empty(len(sources), dtype=np.intp)
    ranks[np.lexsort((digests, -weights, ~users))] = np.arange(len(sources))
    return ranks


def _lot(key: str) -> str:
    return hashlib.blake2b(f"lot {key}".encode(), digest_size=16).hexdigest()
