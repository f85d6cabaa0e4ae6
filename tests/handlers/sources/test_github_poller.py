"""The poller against a loopback GitHub: everything once, nothing missed, and hardly a request too many."""

from __future__ import annotations

import errno
import hashlib
import json
import time
from pathlib import Path

import pytest

from config.settings import load
from handlers.sources.github import Poller, Report
from handlers.sources.rest import Rest
from tests.handlers.sources.conftest import landed, made, poller, zipped
from tests.servers.github import TOKEN, GitHub, Project
from tests.servers.web import Request
from tests.watcher.toy import FakeClock
from watcher.errors import Unavailable


def test_an_artifact_lands_whole_with_its_provenance(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock
) -> None:
    content = zipped("one")
    number = project.add(content, "scan results!", branch="main")
    report = poller(github, tmp_path, clock).poll()
    name = f"github-acme-app-scan-results-{number}.zip"
    assert report == Report([name], requests=3)
    assert landed(tmp_path) == {name: content}
    assert json.loads((tmp_path / "inbox" / f"{name}.scantune.json").read_bytes()) == {
        "source": "github",
        "repository": "acme/app",
        "private": True,
        "run_id": 5000 + number,
        "commit": hashlib.sha1(str(number).encode()).hexdigest(),
        "branch": "main",
        "workflow": "Security",
        "artifact": "scan results!",
        "artifact_id": number,
    }
    assert not [request for request in github.storage.requests if "authorization" in request.headers]


def test_nothing_new_costs_one_request_that_is_not_counted(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock
) -> None:
    project.add(zipped("one"))
    poller(github, tmp_path, clock).poll()
    before = len(github.requests)
    assert poller(github, tmp_path, clock).poll() == Report(requests=1)
    assert "if-none-match" in github.requests[before].headers
    assert len(github.requests) == before + 1


def test_only_what_the_settings_ask_for(github: GitHub, project: Project, tmp_path: Path, clock: FakeClock) -> None:
    project.add(zipped("a"), "coverage")
    project.add(zipped("b"), "trivy-results", branch="feature")
    project.add(zipped("c"), "trivy-results", fork=True)
    project.add(zipped("d"), "trivy-results", workflow="Nightly")
    wanted = project.add(zipped("e"), "trivy-results")
    chosen = {"artifacts": ["*-results"], "branches": ["main"], "workflows": ["security.yml"]}
    report = poller(github, tmp_path, clock, **chosen).poll()
    assert report.landed == [f"github-acme-app-trivy-results-{wanted}.zip"]
    assert report.left_out == 4
    again = poller(github, tmp_path, clock, artifacts=["coverage"]).poll()
    assert len(again.landed) == 1  # other settings let in what was left out before


def test_forks_by_setting(github: GitHub, project: Project, tmp_path: Path, clock: FakeClock) -> None:
    project.add(zipped("c"), fork=True)
    assert poller(github, tmp_path, clock).poll().left_out == 1
    assert len(poller(github, tmp_path, clock, forks=True).poll().landed) == 1


def test_expired_artifacts_are_said_and_not_asked_for_again(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock
) -> None:
    project.add(zipped("old"), expired=True)
    report = poller(github, tmp_path, clock).poll()
    assert len(report.expired) == 1
    assert poller(github, tmp_path, clock).poll() == Report(requests=1)


@pytest.mark.usefixtures("small_pages")
def test_several_repositories_and_pages(github: GitHub, project: Project, tmp_path: Path, clock: FakeClock) -> None:
    other = github.add("acme/other")
    for number in range(7):
        project.add(zipped(f"{number}"), f"scan-{number}")
    other.add(zipped("other"))
    report = poller(github, tmp_path, clock, repositories=["acme/app", "acme/other"]).poll()
    assert len(report.landed) == 8
    assert report.landed[0].startswith("github-acme-app-scan-0-")  # oldest first
    assert len(landed(tmp_path)) == 8


def test_one_repositorys_trouble_does_not_keep_the_others_back(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock
) -> None:
    project.add(zipped("one"))
    report = poller(github, tmp_path, clock, repositories=["acme/nowhere", "acme/app"]).poll()
    assert len(report.landed) == 1
    assert "acme/nowhere" in report.problems[0]


def test_wrong_bytes_do_not_land(github: GitHub, project: Project, tmp_path: Path, clock: FakeClock) -> None:
    project.add(zipped("one"), digest="sha256:" + "0" * 64)
    project.add(zipped("two"))
    report = poller(github, tmp_path, clock).poll()
    assert len(report.landed) == 1
    assert "its digest is not the one" in report.problems[0]
    assert poller(github, tmp_path, clock).poll().landed == []  # and it is looked at again
    project.artifacts[1]["digest"] = None
    assert len(poller(github, tmp_path, clock).poll().landed) == 1


def test_a_cut_download_is_asked_for_again_with_a_new_link(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock
) -> None:
    content = zipped("one" * 1000)
    project.add(content)
    github.storage.fail("GET", "/", kind="cut", times=2)
    assert len(poller(github, tmp_path, clock).poll().landed) == 1
    assert list(landed(tmp_path).values()) == [content]
    assert len({request.path for request in github.storage.requests}) == 3
    assert len(clock.waits) == 2


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry_After": "120"}, 120),
        (403, {"Retry_After": "90"}, 90),
        (403, {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "in 1200"}, 1000),
        (429, {}, 60),
    ],
)
def test_limits_are_waited_out_even_over_a_restart(
    github: GitHub,
    project: Project,
    tmp_path: Path,
    clock: FakeClock,
    status: int,
    headers: dict[str, str],
    seconds: int,
) -> None:
    project.add(zipped("one"))
    moments = {name: value.replace("in 1200", str(int(time.time()) + 1200)) for name, value in headers.items()}
    github.fail("GET", "/artifacts", status, **moments)
    first = poller(github, tmp_path, clock, interval_seconds=1)
    assert len(first.poll().problems) == 1
    asked = len(github.requests)
    with pytest.raises(Unavailable, match="rate limit"):
        poller(github, tmp_path, clock).poll()
    assert not poller(github, tmp_path, clock).due(clock.wall + seconds - 1)
    assert len(github.requests) == asked
    clock.pass_(1.3 * seconds)
    assert len(poller(github, tmp_path, clock).poll().landed) == 1


def test_trouble_is_met_with_patience(github: GitHub, project: Project, tmp_path: Path, clock: FakeClock) -> None:
    github.fail("GET", "/", 502, body=b"<html>Bad gateway</html>", times=1000)
    polls = poller(github, tmp_path, clock)
    pauses = []
    for _ in range(6):
        assert polls.poll().problems
        pauses.append(round(polls.next_due() - clock.wall))
        clock.pass_(polls.next_due() - clock.wall)
    assert pauses == [600, 1200, 2400, 3600, 3600, 3600]
    github.faults.clear()
    assert polls.poll().problems == []
    assert round(polls.next_due() - clock.wall) == 300


@pytest.mark.parametrize(("status", "said"), [(401, "Bad credentials"), (403, "no rights"), (404, "Not Found")])
def test_what_only_a_person_can_mend_is_asked_once(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock, status: int, said: str
) -> None:
    github.fail("GET", "/", status, body=json.dumps({"message": said}).encode(), times=9)
    problem = poller(github, tmp_path, clock).poll().problems[0]
    assert said in problem
    assert "token" in problem
    assert TOKEN not in problem
    assert len(github.requests) == 1


@pytest.mark.usefixtures("small_pages")
def test_an_item_that_vanishes_between_pages_costs_no_other(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock
) -> None:
    for number in range(5):
        project.add(zipped(f"{number}"), f"scan-{number}")
    gone = []

    def vanish(request: Request) -> None:
        if request.query.get("page") == "2" and not gone:
            gone.append(project.artifacts.pop(0))  # the fourth moves to the first page, past the reader

    github.before = vanish
    report = poller(github, tmp_path, clock).poll()
    assert sorted(name[16:22] for name in report.landed) == ["scan-0", "scan-1", "scan-2", "scan-3"]
    assert len(report.expired) == 1


def test_code_scanning_and_alerts_by_setting(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock
) -> None:
    project.analyses = [{"id": 9, "ref": "refs/heads/main", "commit_sha": "c" * 40, "analysis_key": "codeql.yml:a"}]
    project.alerts = [{"number": 2, "state": "open"}, {"number": 1, "state": "open"}]
    wanted = {"code_scanning": True, "dependabot": True, "artifacts": []}
    report = poller(github, tmp_path, clock, **wanted).poll()
    assert len(report.landed) == 2
    files = landed(tmp_path)
    assert json.loads(files["github-acme-app-code-scanning-9.sarif"])["version"] == "2.1.0"
    alerts = next(content for name, content in files.items() if "dependabot" in name)
    assert [each["number"] for each in json.loads(alerts)] == [1, 2]
    assert poller(github, tmp_path, clock, **wanted).poll() == Report(requests=2)
    project.alerts = [{"number": 3, "state": "open"}]
    assert len(poller(github, tmp_path, clock, **wanted).poll().landed) == 1


def test_what_only_a_person_can_mend_slows_nothing_down(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock
) -> None:
    polls = poller(github, tmp_path, clock, code_scanning=True)
    github.fail("GET", "/code-scanning/", 403, body=b'{"message": "Advanced Security must be enabled"}', times=9)
    for _ in range(3):
        assert len(polls.poll().problems) == 1
        assert round(polls.next_due() - clock.wall) == 300
    github.faults.clear()
    github.fail("GET", "/code-scanning/", 404, body=b'{"message": "no analysis found"}', times=9)
    assert polls.poll().problems == []


@pytest.mark.parametrize("body", [b"[]", b'{"artifacts": [{"id": "x"}]}', b"<html>", b'{"message": "ok"}'])
def test_an_answer_that_is_none_is_a_problem_and_no_bug(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock, body: bytes
) -> None:
    project.add(zipped("one"))
    github.fail("GET", "/actions/artifacts", 200, body=body)
    assert len(poller(github, tmp_path, clock).poll().problems) == 1
    assert len(poller(github, tmp_path, clock).poll().landed) == 1


def test_a_deleted_run_does_not_hold_its_artifact_back(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock
) -> None:
    project.add(zipped("one"))
    project.runs.clear()
    assert len(poller(github, tmp_path, clock).poll().landed) == 1


def test_what_is_no_zip_and_what_is_too_large(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock
) -> None:
    project.add(b'{"runs": []}', "report.sarif")
    project.add(b"x" * 5000, "huge")

    def poll(largest: int) -> Report:
        chosen = {"repositories": ["acme/app"], "api_url": github.url}
        settings = load(None, {"github": chosen, "limits": {"max_bytes": largest}})
        made.append(Poller(settings, tmp_path, clock, token=lambda url: TOKEN))
        return made[-1].poll()

    report = poll(999)
    assert report.landed == ["github-acme-app-report.sarif-1000"]
    assert "larger than 999 bytes" in report.expired[0]
    again = poll(999)
    assert (again.landed, again.expired) == ([], [])
    assert poll(9999).landed == ["github-acme-app-huge-1001"]


def test_a_full_disk_is_a_problem_that_passes(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.add(zipped("one"))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "inbox")

    with monkeypatch.context() as patched:
        patched.setattr(Rest, "download", full)
        assert "the disk is full" in poller(github, tmp_path, clock).poll().problems[0]
    assert len(poller(github, tmp_path, clock).poll().landed) == 1


def test_nothing_lands_below_a_mount_point_whose_volume_is_away(
    github: GitHub, project: Project, tmp_path: Path, clock: FakeClock
) -> None:
    """It would be hidden once the volume is back, and never fetched again."""
    project.add(b"report")
    away = tmp_path / "state" / "inbox-is-a-volume"
    away.parent.mkdir()
    away.touch()
    with pytest.raises(Unavailable, match="which is not mounted now"):
        poller(github, tmp_path, clock).poll()
    assert github.requests == []
    away.unlink()
    assert len(poller(github, tmp_path, clock).poll().landed) == 1
