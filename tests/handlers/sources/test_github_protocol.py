"""Other servers of GitHub's protocol: what they may leave out or say differently, and what a good citizen heeds."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from pathlib import Path

import pytest

from handlers.sources.github import Report
from tests.handlers.sources.conftest import landed, poller, zipped
from tests.servers.github import REPOSITORY_ID, GitHub, Project
from tests.servers.web import Request
from tests.watcher.toy import FakeClock
from watcher.errors import Unavailable

LISTING = r"/actions/artifacts$"


@pytest.mark.parametrize("etags", ["weak", "strong", "none", "fresh"])
@pytest.mark.usefixtures("small_pages")
def test_nothing_new_is_one_small_question_whatever_the_etags(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock, etags: str
) -> None:
    github.etags = etags  # type: ignore[assignment]
    for number in range(10):
        project.add(zipped(f"{number}"), f"scan-{number}")
    assert len(poller(github, tmp_path, clock).poll().landed) == 10
    asked = len(github.requests)
    report = poller(github, tmp_path, clock).poll()
    assert report.landed == report.problems == []
    if etags in ("weak", "strong"):
        assert report == Report(requests=1)
    # Without a 304, the first page is read, and read again to be sure that it holds still; never all of them.
    assert len(github.requests) - asked <= 2
    project.add(zipped("new"), "new")
    assert len(poller(github, tmp_path, clock).poll().landed) == 1


@pytest.mark.usefixtures("small_pages")
def test_links_may_be_relative(github: GitHub, project: Project, tmp_path: Path, clock: FakeClock) -> None:
    github.links = "relative"
    for number in range(7):
        project.add(zipped(f"{number}"), f"scan-{number}")
    project.alerts = [{"number": number, "state": "open"} for number in range(8)]
    report = poller(github, tmp_path, clock, dependabot=True).poll()
    assert report.problems == []
    assert len(report.landed) == 8
    (alerts,) = (content for name, content in landed(tmp_path).items() if "dependabot" in name)
    assert [each["number"] for each in json.loads(alerts)] == list(range(8))


@pytest.mark.parametrize("link", ["http://127.0.0.2:9/x", "//elsewhere.example/x", "http://["])
def test_links_may_not_lead_elsewhere(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock, link: str
) -> None:
    github.fail("GET", LISTING, 200, body=b'{"artifacts": []}', Link=f'<{link}>; rel="next"', times=9)
    report = poller(github, tmp_path, clock).poll()
    assert len(report.problems) == 1
    assert report.passing


def test_a_download_may_be_redirected_to_a_path_of_the_same_host(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock
) -> None:
    github.own_storage = True
    project.add(zipped("one"))
    assert len(poller(github, tmp_path, clock).poll().landed) == 1


@pytest.mark.parametrize("own_storage", [False, True])
@pytest.mark.parametrize("status", [403, 404, 410, 503])
def test_a_link_that_ran_out_is_asked_for_anew(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock, status: int, own_storage: bool
) -> None:
    """A storage host's 403 is no want of rights, and its 404 no deleted artifact."""
    github.own_storage = own_storage
    project.add(zipped("one"))
    (github if own_storage else github.storage).fail("GET", "^(/storage)?/[0-9]+/", status, times=2)
    report = poller(github, tmp_path, clock).poll()
    assert (len(report.landed), report.problems, report.expired) == (1, [], [])


def test_a_renamed_repository_is_followed_with_the_token(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock
) -> None:
    project.add(zipped("one"))

    def moved(request: Request) -> None:
        if "/acme/old/" in request.path:
            there = request.path.replace("/acme/old/", "/acme/app/")
            github.fail("GET", "/acme/old/", 301, Location=f"{there}?per_page=100")

    github.before = moved
    report = poller(github, tmp_path, clock, repositories=["acme/old"]).poll()
    assert (len(report.landed), report.problems) == (1, [])


@pytest.mark.parametrize("digest", [None, "", "sha512:00", "SHA"])
def test_a_digest_may_be_missing_or_of_another_kind(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock, digest: str | None
) -> None:
    project.add(zipped("one"))
    named = project.artifacts[0]["digest"]
    project.artifacts[0]["digest"] = f"sha256:{named.removeprefix('sha256:').upper()}" if digest == "SHA" else digest
    assert len(poller(github, tmp_path, clock).poll().landed) == 1


def test_what_is_optional_may_be_missing(github: GitHub, project: Project, tmp_path: Path, clock: FakeClock) -> None:
    project.artifacts = [{"id": 1000, "name": "scan", "workflow_run": None}]
    project.contents[1000] = zipped("one")
    with_less = {"id": 1001, "name": "scan", "expired": False, "workflow_run": {"id": 9}}
    project.artifacts.insert(0, with_less)
    project.contents[1001] = zipped("two")
    project.runs[9] = {"id": 9, "name": None, "repository": None}
    for each in project.artifacts:
        each.setdefault("expired", False)
    report = poller(github, tmp_path, clock).poll()
    assert (len(report.landed), report.problems) == (2, [])


@pytest.mark.parametrize("head", [{"id": 8}, None])
def test_a_fork_is_told_by_the_run_where_the_listing_does_not(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock, head: dict[str, int] | None
) -> None:
    """`head_repository` is null once a fork was deleted."""
    project.add(zipped("one"))
    run = project.artifacts[0]["workflow_run"]
    del run["repository_id"], run["head_repository_id"]
    project.runs[run["id"]] |= {"repository": {"id": REPOSITORY_ID}, "head_repository": head}
    assert poller(github, tmp_path, clock).poll().left_out == 1
    assert len(poller(github, tmp_path, clock, forks=True).poll().landed) == 1


def test_a_listed_fork_that_was_deleted_stays_one(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock
) -> None:
    project.add(zipped("one"))
    project.artifacts[0]["workflow_run"]["head_repository_id"] = None
    assert poller(github, tmp_path, clock).poll().left_out == 1


def test_analyses_of_pull_requests_are_anybodys(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock
) -> None:
    refs = ("refs/pull/3/merge", "refs/heads/main")
    project.analyses = [{"id": number, "ref": ref, "commit_sha": "c" * 40} for number, ref in enumerate(refs)]
    report = poller(github, tmp_path, clock, code_scanning=True).poll()
    assert (report.landed, report.left_out) == (["github-acme-app-code-scanning-1.sarif"], 1)
    assert len(poller(github, tmp_path, clock, code_scanning=True, forks=True).poll().landed) == 1


def test_a_wait_may_be_asked_for_as_a_date(github: GitHub, project: Project, tmp_path: Path, clock: FakeClock) -> None:
    project.add(zipped("one"))
    github.fail("GET", LISTING, 429, Retry_After=formatdate(time.time() + 900, usegmt=True))
    poller(github, tmp_path, clock).poll()
    assert 800 < poller(github, tmp_path, clock).next_due() - clock.wall <= 901


def test_an_outage_that_names_its_end_is_not_knocked_at(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock
) -> None:
    github.fail("GET", LISTING, 503, Retry_After="700", times=9)
    assert len(poller(github, tmp_path, clock).poll().problems) == 1
    assert len(github.requests) == 1
    assert poller(github, tmp_path, clock).next_due() - clock.wall >= 700


def test_the_last_request_of_the_hour_is_the_last(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock
) -> None:
    """Asking on after `x-ratelimit-remaining: 0` is what bans are for; what was begun goes on after the reset."""
    project.add(zipped("one"))
    listing = json.dumps({"total_count": 1, "artifacts": project.artifacts}).encode()
    spent = {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": str(int(time.time()) + 1800)}
    github.fail("GET", LISTING, 200, body=listing, **spent)
    report = poller(github, tmp_path, clock).poll()
    assert len(github.requests) == report.requests == 1
    assert "used up" in report.problems[0]
    with pytest.raises(Unavailable, match="rate limit"):
        poller(github, tmp_path, clock).poll()
    clock.pass_(1801)
    assert len(poller(github, tmp_path, clock).poll().landed) == 1


def test_a_poll_that_ends_with_the_hours_last_request_waits_too(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock
) -> None:
    spent = {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": str(int(time.time()) + 1800)}
    github.fail("GET", LISTING, 200, body=b'{"artifacts": []}', **spent)
    polls = poller(github, tmp_path, clock)
    assert polls.poll().problems == []
    assert 1700 < polls.next_due() - clock.wall <= 1801
    clock.pass_(polls.next_due() - clock.wall)
    assert polls.poll().problems == []


def test_a_limit_in_the_middle_of_a_first_listing_loses_nothing_that_was_done(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock
) -> None:
    """Runs are asked for one by one, as their artifacts are taken: each is written down before the next is asked."""
    for number in range(6):
        project.add(zipped(f"{number}"), f"scan-{number}", workflow="Nightly" if number % 2 else "Security")
    polls = poller(github, tmp_path, clock, workflows=["Security"])

    def limit(request: Request) -> None:
        if github.count("GET", "/actions/runs/") == 2 and "/actions/runs/" in request.path:
            github.fail("GET", "/actions/runs/", 429, Retry_After="60")

    github.before = limit
    first = polls.poll()
    assert (len(first.landed) + first.left_out, len(first.problems)) == (2, 1)
    clock.pass_(polls.next_due() - clock.wall)
    second = polls.poll()
    assert (len(first.landed + second.landed), first.left_out + second.left_out) == (3, 3)
