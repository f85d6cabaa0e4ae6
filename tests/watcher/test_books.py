"""doctor, why, trace, status and prune tell the truth, above all when something is wrong."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from toy import PIPELINE, UPPER, FakeClock, digest, one_pass

from watcher import files, quarantine
from watcher.again import retry_affected
from watcher.audit import audit
from watcher.engine import Engine
from watcher.errors import BadInput
from watcher.execute import Voice
from watcher.explain import why
from watcher.failures import Retries, Schedule, read_all
from watcher.index import Index
from watcher.lineage import trace
from watcher.overview import overview
from watcher.prune import Prunable, prunable, prune
from watcher.receipt import read_receipt
from watcher.stage import Attempt, Outcome, Stage
from watcher.tempo import Tempo
from watcher.workspace import Workspace

DAY = 86_400.0


@pytest.fixture
def done(workspace: Workspace, clock: FakeClock) -> Workspace:
    """A workspace with two good texts and a bad one."""
    for name, content in (("a.txt", b"one two"), ("b.txt", b"three"), ("bad.txt", b"\0")):
        (workspace.inbox / name).write_bytes(content)
    one_pass(workspace, clock)
    return workspace


def faults(workspace: Workspace, stages: Sequence[Stage] = PIPELINE) -> Iterator[tuple[str, str]]:
    with Index(workspace, stages) as index:
        for each in audit(workspace, stages, index, Schedule(workspace, Retries())).faults:
            yield each.where.split("/")[0], each.what


def test_a_sound_workspace_has_no_faults_and_its_sums_are_right(done: Workspace) -> None:
    with Index(done, PIPELINE) as index:
        report = audit(done, PIPELINE, index, Schedule(done, Retries()))
    assert report.balanced
    upper = report.books[0]
    assert (upper.accepted, upper.done, upper.quarantined, upper.retrying, upper.waiting) == (3, 2, 1, 0, 0)


def one(workspace: Workspace, pattern: str) -> Path:
    return sorted(workspace.outbox.glob(pattern))[0]


def strange_digest(workspace: Workspace) -> None:
    receipt = workspace.job("upper", "ab" * 32) / "receipt.json"
    shutil.copytree(one(workspace, "upper/*/*"), receipt.parent)
    receipt.write_bytes(re.sub(rb'"input": "\w+"', b'"input": "none"', receipt.read_bytes()))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda w: one(w, "upper/*/*/text").write_bytes(b"other"), ("upper", "not what the receipt says")),
        (lambda w: one(w, "upper/*/*/text").unlink(), ("upper", "missing")),
        (lambda w: (one(w, "count/*/*") / "extra").touch(), ("count", "not what the receipt says")),
        (lambda w: one(w, "count/*/*/receipt.json").write_bytes(b"{"), ("count", "no usable receipt")),
        (strange_digest, ("upper", "no usable receipt")),
        (lambda w: one(w, "artifacts/*/*/artifact").write_bytes(b""), ("artifacts", "not what the receipt says")),
        (lambda w: shutil.rmtree(w.accepted(digest(b"three")).parent), ("artifacts", "it was dropped and taken")),
        (lambda w: shutil.rmtree(one(w, "upper/*/*")), ("count", "is gone")),
        (lambda w: shutil.copytree(one(w, "upper/*/*"), w.job("upper", "ab" * 32)), ("upper", "its key is not")),
    ],
)
def test_the_doctor_finds_what_is_damaged(
    done: Workspace, damage: Callable[[Workspace], object], said: tuple[str, str]
) -> None:
    damage(done)
    assert any(where == said[0] and said[1] in what for where, what in faults(done))


def test_a_lost_job_is_done_again_with_the_same_result(done: Workspace, clock: FakeClock) -> None:
    shutil.rmtree(one(done, "upper/*/*"))
    assert one_pass(done, clock).done["upper"] == 1
    assert not list(faults(done))


def test_a_start_reads_no_receipt_again_where_the_times_of_folders_prove_nothing(
    done: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.index.RACY_NANOSECONDS", 1 << 62)
    lost, key = one(done, "upper/*/*"), "ab" * 32
    with Index(done, PIPELINE) as index:
        before = index.count("jobs", "count"), index.count("jobs", "upper")
    read: list[str] = []
    monkeypatch.setattr("watcher.index.read_receipt", lambda folder: read.append(folder.name) or read_receipt(folder))
    with Index(done, PIPELINE) as index:
        assert (index.count("jobs", "count"), index.count("jobs", "upper")) == before
    assert read == []
    lost.rename(lost.with_name(lost.name[:2] + key[2:]))  # as many as before, but not the same
    with Index(done, PIPELINE):
        assert read == [lost.name[:2] + key[2:]]


def test_a_start_after_a_pass_compares_only_what_changed_at_its_very_end(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace.inbox / "a").write_bytes(b"one")
    one_pass(workspace, clock)
    compared: list[str] = []
    entered = Index._entered

    def count(index: Index, stage: str, shard: str) -> list[bytes]:
        compared.append(f"{stage}/{shard}")
        return entered(index, stage, shard)

    monkeypatch.setattr(Index, "_entered", count)
    monkeypatch.setattr("watcher.index.RACY_NANOSECONDS", 20_000 * 10**9)
    moment = (time.time_ns() // 10**9 - 1500) * 10**9
    for shard in workspace.outbox.glob("*/*"):
        os.utime(shard, ns=(1, moment + 1))  # as a fine clock shows what changed a while ago
    with Engine(workspace, PIPELINE, Tempo(), Voice(clock=clock), patient=False):
        assert len(compared) == 4
    compared.clear()
    with Index(workspace, PIPELINE):
        assert compared == []
    for shard in workspace.outbox.glob("*/*"):
        os.utime(shard, ns=(1, moment))  # as a coarse one does
    with Index(workspace, PIPELINE), Index(workspace, PIPELINE):
        assert len(compared) == 8


def test_an_index_that_is_lost_or_damaged_is_made_anew(done: Workspace, clock: FakeClock) -> None:
    (done.state / "index.sqlite").write_bytes(b"no database" * 1000)
    assert not +one_pass(done, clock).done
    (done.state / "index.sqlite").unlink()
    assert not +one_pass(done, clock).done
    assert not list(faults(done))


@pytest.mark.parametrize("page", range(1, 12))
def test_an_index_that_is_damaged_anywhere_is_made_anew(workspace: Workspace, clock: FakeClock, page: int) -> None:
    """At once, or by the next process where the damage is met only later."""
    for n in range(60):
        (workspace.inbox / str(n)).write_text(f"text {n}")
    one_pass(workspace, clock)
    with (workspace.state / "index.sqlite").open("r+b") as index:
        index.seek(page * 4096)
        index.write(b"\xa5" * 4096)
    (workspace.inbox / "new").write_bytes(b"new")
    with contextlib.suppress(sqlite3.DatabaseError):
        one_pass(workspace, clock)
    one_pass(workspace, clock)
    assert len(list(workspace.outbox.glob("count/*/*"))) == 61
    assert not list(faults(workspace))


def states(workspace: Workspace, clock: FakeClock, words: str) -> list[tuple[str, str]]:
    with Index(workspace, PIPELINE) as index:
        schedule = Schedule(workspace, Retries())
        return [(each.stage, each.state) for each in why(workspace, PIPELINE, index, schedule, clock, words)]


def test_why_follows_a_file_through_the_stages(done: Workspace, clock: FakeClock) -> None:
    way = [("artifacts", "accepted"), ("upper", "done"), ("count", "done"), ("collect", "done")]
    assert states(done, clock, "a.txt") == way
    assert states(done, clock, str(done.inbox / "a.txt")) == way
    assert states(done, clock, digest(b"one two")[:12]) == way
    assert states(done, clock, "bad.txt") == [("artifacts", "accepted"), ("upper", "quarantined")]
    assert states(done, clock, str(done.quarantined("upper", digest(b"\0")))) == [("upper", "quarantined")]
    assert states(done, clock, "nowhere") == [("", "unknown")]


def test_why_knows_what_still_lies_in_the_inbox(done: Workspace, clock: FakeClock) -> None:
    (done.inbox / "new").write_bytes(b"new")
    (done.inbox / "half.part").write_bytes(b"ha")
    assert states(done, clock, "new") == [("artifacts", "in the inbox")]
    assert states(done, clock, "half.part") == [("artifacts", "in the inbox")]


def test_trace_goes_back_to_what_was_dropped_and_forward_to_all_that_it_became(done: Workspace) -> None:
    with Index(done, PIPELINE) as index:
        [collected] = index.jobs("collect")
        back = trace(done, PIPELINE, index, collected.key)
        assert sorted(each.name for each in back.dropped) == ["a.txt", "b.txt"]
        forward = trace(done, PIPELINE, index, "a.txt")
        assert [name.split("/")[0] for name in forward.became] == ["upper", "count", "collect"]
        with pytest.raises(BadInput, match="nothing is known of xyz"):
            trace(done, PIPELINE, index, "xyz")


def test_status_counts(done: Workspace, clock: FakeClock) -> None:
    (done.inbox / "link").symlink_to("/etc/passwd")
    newer = (dataclasses.replace(UPPER, version="2"), *PIPELINE[1:])
    with Index(done, newer) as index:
        view = overview(done, newer, index, Retries(), clock)
    upper = next(each for each in view.stages if each.stage == "upper")
    assert (upper.done, upper.quarantined, upper.stale) == (2, 1, 2)
    assert [each.name for each in view.not_taken] == ["link"]
    assert view.watcher is None


def double(inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
    (out / "text").write_bytes(inputs[0].read_bytes() * 2)
    return Outcome()


def test_prune_removes_what_was_replaced_and_nothing_that_counts(done: Workspace, clock: FakeClock) -> None:
    newer = (dataclasses.replace(UPPER, version="2", run=double), *PIPELINE[1:])
    with Index(done, newer) as index:
        retry_affected(done, Schedule(done, Retries()), index, newer[0])
    clock.pass_(40 * DAY)
    one_pass(done, clock, newer)
    with Index(done, newer) as index:
        assert prunable(done, newer, index, clock, 60, frozenset()) == []
        found = prunable(done, newer, index, clock, 30, frozenset())
        assert {each.kind for each in found} == {"replaced"}
        assert sorted(each.name.split("/")[0] for each in found) == ["collect", "count", "count", "upper", "upper"]
        assert prune(done, newer, found) == found
        index.refresh()
    assert not list(faults(done, newer))
    assert not +one_pass(done, clock, newer).done


def test_prune_takes_nothing_away_from_under_whoever_reads_it(done: Workspace, clock: FakeClock) -> None:
    newer = (dataclasses.replace(UPPER, version="2", run=double), *PIPELINE[1:])
    with Index(done, newer) as index:
        retry_affected(done, Schedule(done, Retries()), index, newer[0])
    clock.pass_(40 * DAY)
    one_pass(done, clock, newer)
    with Index(done, newer) as index:
        found = [each for each in prunable(done, newer, index, clock, 30, frozenset()) if "upper/" in each.name]
        with done.lock("count.05").open("w") as reader:  # it counts the words of any of them
            fcntl.flock(reader, fcntl.LOCK_EX)
            assert prune(done, newer, found) == []
            assert all(Path(each.folder).exists() for each in found)
        assert prune(done, newer, found) == found


def test_a_cache_that_goes_meanwhile_is_none(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Index(workspace, PIPELINE) as index:
        monkeypatch.setattr(files, "names", lambda folder: ["ghost"] if folder.name == "cache" else [])
        assert prunable(workspace, PIPELINE, index, clock, 0, frozenset()) == []
    ghost = Prunable("cache", "ghost", str(workspace.state / "cache" / "ghost"), 1)
    assert prune(workspace, PIPELINE, [ghost]) == [ghost]


@pytest.mark.parametrize("dated", [True, False])
def test_prune_leaves_the_reason_and_the_artifact_of_what_was_quarantined(
    done: Workspace, clock: FakeClock, dated: bool
) -> None:
    if not dated:  # somebody has edited it
        reason = done.quarantined("upper", digest(b"\0")) / "reason.json"
        reason.write_bytes(re.sub(rb',\s*"since":[^,}]*', b"", reason.read_bytes()))
    clock.pass_(40 * DAY)
    with Index(done, PIPELINE) as index:
        found = prune(done, PIPELINE, prunable(done, PIPELINE, index, clock, 30, frozenset()))
    assert [each.kind for each in found] == ["quarantined"]
    [trouble] = read_all(done.quarantine)
    assert trouble.reason == "a NUL byte in the text"
    assert done.accepted(digest(b"\0")).exists()
    assert not +one_pass(done, clock).done


@pytest.mark.parametrize("links", [True, False])
def test_prune_tells_what_the_disk_gains(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    """What has another name is still there without this one; what has two that both go is gone once."""
    monkeypatch.setattr(quarantine, "LARGE", 1 if links else 1000)
    (workspace.inbox / "bad.txt").write_bytes(b"bad \0")
    one_pass(workspace, clock)
    cache = workspace.cache("upper")
    (cache / "kept").write_bytes(b"x" * 100)
    os.link(cache / "kept", cache / "kept too")
    clock.pass_(40 * DAY)
    os.utime(cache, (0, 0))
    with Index(workspace, PIPELINE) as index:
        found = prunable(workspace, PIPELINE, index, clock, 30, frozenset())
    assert [(each.kind, each.bytes) for each in found] == [("quarantined", 0 if links else 5), ("cache", 100)]


def test_prune_keeps_what_it_is_told_to_and_all_that_it_was_made_of(done: Workspace, clock: FakeClock) -> None:
    newer = (dataclasses.replace(UPPER, version="2", run=double), *PIPELINE[1:])
    with Index(done, newer) as index:
        [champion] = index.jobs("collect")
        retry_affected(done, Schedule(done, Retries()), index, newer[0])
    clock.pass_(40 * DAY)
    one_pass(done, clock, newer)
    with Index(done, newer) as index:
        found = prunable(done, newer, index, clock, 30, frozenset([champion.key]))
    assert found == []
