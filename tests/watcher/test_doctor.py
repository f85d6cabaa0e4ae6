"""What doctor must not take for a fault while others are at work."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import PIPELINE, FakeClock, one_pass

from watcher.again import retry_all
from watcher.audit import audit
from watcher.failures import Retries, Schedule
from watcher.index import Index
from watcher.ledger import Waiting
from watcher.receipt import Receipt, ReceiptError, read_receipt
from watcher.workspace import Workspace


def test_the_doctor_judges_nothing_that_is_tried_again_meanwhile(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every look a bad input is let out of quarantine, seen to wait, and put back."""
    (workspace.inbox / "bad").write_bytes(b"\0")
    one_pass(workspace, clock)
    waiting, tried = Index.waiting, list[int]()

    def meanwhile(index: Index, stage: str, after: int, limit: int) -> list[Waiting]:
        if stage != "upper" or limit > 0:
            return waiting(index, stage, after, limit)
        retry_all(workspace, Schedule(workspace, Retries()))
        with Index(workspace, PIPELINE) as other:
            tried.append(len(waiting(other, "upper", 0, 64)))
        rows = waiting(index, stage, after, limit)
        one_pass(workspace, clock)
        return rows

    monkeypatch.setattr(Index, "waiting", meanwhile)
    with Index(workspace, PIPELINE) as index:
        report = audit(workspace, PIPELINE, index, Schedule(workspace, Retries()))
    assert set(tried) == {1}
    assert report.faults == []


def test_what_is_to_be_run_again_is_in_a_state_at_every_moment(workspace: Workspace, clock: FakeClock) -> None:
    (workspace.inbox / "bad").write_bytes(b"\0")
    one_pass(workspace, clock)
    with Index(workspace, PIPELINE) as index:
        retry_all(workspace, Schedule(workspace, Retries()))
        report = audit(workspace, PIPELINE, index, Schedule(workspace, Retries()))
        upper = report.books[0]
        assert (upper.accepted, upper.waiting, upper.quarantined) == (1, 1, 0)
        index.refresh()
        assert audit(workspace, PIPELINE, index, Schedule(workspace, Retries())).books[0] == upper


def test_the_doctor_looks_twice_at_what_somebody_else_was_changing(
    workspace: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace.inbox / "a").write_bytes(b"one")
    one_pass(workspace, clock)
    faults = iter([ReceiptError("half-way"), FileNotFoundError(2, "gone", "receipt.json")])

    def changing(folder: Path) -> Receipt:
        for fault in faults:
            raise fault
        return read_receipt(folder)

    monkeypatch.setattr("watcher.audit.read_receipt", changing)
    with Index(workspace, PIPELINE) as index:
        assert audit(workspace, PIPELINE, index, Schedule(workspace, Retries())).balanced
    assert next(faults, None) is None
