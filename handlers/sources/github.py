"""The GitHub poller: lists what is new, fetches it, lets it fall into the inbox; a good citizen of the API.

An unchanged listing costs one conditional request that GitHub does not count. Nothing is fetched twice and nothing is
missed, wherever a kill or a lost connection strikes: an item is written down before and after it lands, and a
listing's ETag is kept only once every item of it is written down.
"""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from config.settings import Settings
from handlers.sources.drop import Inbox, plain
from handlers.sources.feeds import Feed, Item, feeds
from handlers.sources.memory import Event, Memory, Schedule
from handlers.sources.rest import Gone, Limited, Page, Rest, TooLarge
from handlers.sources.tokens import find_token
from watcher.clock import SYSTEM, Clock
from watcher.errors import JobError, Unavailable
from watcher.files import make_folder, surroundings
from watcher.locks import held
from watcher.workspace import Workspace

JITTER = 0.1
"""Polls of many machines spread over this share of the interval."""
LONGEST_PAUSE_SECONDS = 3600.0
VOID_SECONDS = 86_400.0
"""A schedule further ahead comes from a clock that was set back; nobody asks to wait for so long."""
REREADS = 3


@dataclass(slots=True)
class Report:
    """What one poll did."""

    landed: list[str] = field(default_factory=list)
    left_out: int = 0
    expired: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    passing: bool = False  # some of the problems may pass by themselves
    requests: int = 0


class Poller:
    """Polls the repositories of the settings; `due(now)` says when, on a schedule that survives a restart.

    One at a time per workspace: a second `poll` raises Unavailable while the first runs.
    """

    def __init__(
        self,
        settings: Settings,
        root: Path,
        clock: Clock = SYSTEM,
        *,
        token: Callable[[str], str | None] = find_token,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._wanted = settings.github
        self._root = root
        self._clock = clock
        self._token = token
        self._chance = chance
        self._folder = root / "state" / "github" / plain(settings.github.api_url)
        self._schedule = self._folder / "schedule.json"
        self._rest: Rest | None = None
        self.stopping = threading.Event()
        """Set it to end waits between tries."""

    def due(self, now: float) -> bool:
        """Whether it is time; `now` in seconds since 1970. A schedule out of a clock that was set back is void."""
        due = self.next_due()
        return now >= due or due - now > VOID_SECONDS + self._wanted.interval_seconds

    def next_due(self) -> float:
        """Seconds since 1970."""
        return Schedule.read(self._schedule).due

    def poll(self, say: Callable[[str], None] = lambda line: None) -> Report:
        """One poll of all repositories. A repository's problem is in the report and does not keep the others back.

        Raises Unavailable if another process polls, a rate limit is in force, or the inbox is a volume that is away.
        """
        report = Report()
        with held(make_folder(self._folder) / "lock", "another process polls GitHub just now", wait=False):
            self._refuse_while_limited()
            memory = Memory(self._folder, self._filters())
            inbox = Inbox(self._root / "inbox", memory)
            with surroundings():
                workspace = Workspace(self._root)
                if why := workspace.inbox_gone():
                    raise Unavailable(why, "nothing is fetched until it is back")
                workspace.note_inbox()
            if inbox.needs_recovery():
                inbox.recover()
            after = _Poll(self._settings, self._connection(), memory, inbox, report, say).everything()
            self._plan(report, after)
        return report

    def close(self) -> None:
        if self._rest is not None:
            self._rest.close()
            self._rest = None

    def _connection(self) -> Rest:
        """Kept from poll to poll: setting one up costs more than an unchanged listing."""
        if self._rest is None:
            self._rest = Rest(self._wanted.api_url, self._token(self._wanted.api_url), self._pause)
        return self._rest

    def _refuse_while_limited(self) -> None:
        schedule, now = Schedule.read(self._schedule), self._clock.now()
        if schedule.limit and not self.due(now):
            left = schedule.due - now
            raise Unavailable(f"{schedule.limit}: nothing is asked for another {left:.0f} s", "it goes on by itself")

    def _plan(self, report: Report, after: float) -> None:
        """When the next poll is due: the interval with jitter, doubled for each poll in a row with passing problems."""
        failures = Schedule.read(self._schedule).failures + 1 if report.passing else 0
        pause = self._wanted.interval_seconds * (1 + JITTER * (2 * self._chance() - 1))
        pause = min(pause * 2.0**failures, max(pause, LONGEST_PAUSE_SECONDS))
        limit = "GitHub's rate limit" if after else ""
        Schedule(self._clock.now() + max(pause, after), failures, limit).write(self._schedule)
        if report.problems:
            self.close()  # the token may be another one next time

    def _pause(self, seconds: float) -> None:
        if self._clock.wait(self.stopping, seconds):
            raise Unavailable("asked to stop", "the next poll goes on")

    def _filters(self) -> str:
        """A digest of the settings that leave items out."""
        wanted, largest = self._wanted, self._settings.limits.max_bytes
        chosen = [wanted.artifacts, wanted.workflows, wanted.branches, wanted.forks, largest]
        return hashlib.sha256(repr(chosen).encode()).hexdigest()[:16]


class _Poll:
    """One poll, with all that it works on."""

    def __init__(
        self, settings: Settings, rest: Rest, memory: Memory, inbox: Inbox, report: Report, say: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._rest = rest
        self._memory = memory
        self._inbox = inbox
        self._report = report
        self._say = say

    def everything(self) -> float:
        """Returns how long GitHub asks to wait, in seconds; 0 if it does not."""
        before = self._rest.requests
        try:
            for repository in self._settings.github.repositories:
                for feed in feeds(self._rest, repository, self._settings.github):
                    self._guarded(feed)
        except Limited as limited:
            self._problem(str(limited), limited)
            return limited.after
        finally:
            self._report.requests = self._rest.requests - before
        return self._rest.spent()

    def _guarded(self, feed: Feed) -> None:
        try:
            self._feed(feed)
        except Limited:
            raise
        except JobError as error:
            if not (isinstance(error, Gone) and feed.empty and feed.empty in error.reason):
                self._problem(str(error), error)

    def _problem(self, told: str, error: JobError) -> None:
        self._report.problems.append(told)
        self._report.passing |= isinstance(error, Unavailable)

    def _feed(self, feed: Feed) -> None:
        for _ in range(REREADS):
            etag = self._memory.etags.get(feed.listing)
            first = self._rest.page(feed.listing, etag or "")
            if first.items is None:
                return
            self._inbox.recover()
            crowded = self._memory.crowded()
            items = self._listed(feed, first, whole=etag is None or crowded)
            if new := [item for item in items if not self._memory.knows(item.id)]:
                # From here on older items may be missing in the journal, until this feed is through.
                self._memory.keep_etag(feed.listing, None)
            faults = len(self._report.problems)
            for item in new[::-1]:
                self._take(item)
            if len(self._report.problems) > faults:
                return
            # Items that went away while pages were read shift later ones past us: then the first page changed too.
            if first.following is None or self._unchanged(feed, first):
                self._memory.keep_etag(feed.listing, first.etag)
                if crowded:
                    self._memory.shorten(feed.prefix, {item.id for item in items})
                return

    def _listed(self, feed: Feed, first: Page, *, whole: bool) -> list[Item]:
        """The items of the whole listing, newest first, or until a page that holds nothing new."""
        pages = _from(self._rest, first)
        if feed.snapshot is not None:
            return [feed.snapshot(page.items for page in pages)]
        listed: list[Item] = []
        for page in pages:
            items = feed.items(page.items) if feed.items else ()
            listed += items
            if not whole and all(self._memory.knows(item.id) for item in items):
                break
        return listed

    def _unchanged(self, feed: Feed, first: Page) -> bool:
        again = self._rest.page(feed.listing, first.etag)
        return again.items is None or again.items == first.items

    def _take(self, item: Item) -> None:
        try:
            if item.expired:
                self._gone(item, "expired")
            elif (why := item.why_not()) is not None:
                self._report.left_out += 1
                self._memory.leave_out(item.id, why)
            else:
                self._fetch(item)
        except Limited:
            raise
        except Gone as gone:
            self._gone(item, gone.reason)
        except TooLarge as large:
            self._report.expired.append(f"{item.label}: {large.reason}")
            self._memory.leave_out(item.id, large.reason)
        except JobError as error:
            self._problem(f"{item.label}: {error}", error)

    def _fetch(self, item: Item) -> None:
        part = self._inbox.part(item.id)
        with surroundings():
            item.fetch(part, self._settings.limits.max_bytes)
        name, provenance = item.name(part), item.provenance()
        self._inbox.land(item.id, name, provenance)
        self._report.landed.append(name)
        self._say(f"{item.label} -> {name}")

    def _gone(self, item: Item, why: str) -> None:
        self._report.expired.append(f"{item.label}: {why}")
        self._memory.note(Event(item.id, "gone", why))


def _from(rest: Rest, first: Page) -> Iterator[Page]:
    """A listing's pages, the first of which is here already."""
    yield first
    if first.following is not None:
        yield from rest.pages(first.following)
