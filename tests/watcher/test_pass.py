"""One pass over an inbox."""

from __future__ import annotations

import os

from toy import FakeClock, collected, one_pass

from watcher.workspace import Workspace


def outputs(workspace: Workspace) -> dict[str, bytes]:
    return {
        os.fspath(path.relative_to(workspace.outbox)): path.read_bytes()
        for path in workspace.outbox.rglob("*")
        if path.is_file() and path.name != "receipt.json"
    }


def test_a_file_goes_all_the_way(workspace: Workspace, clock: FakeClock) -> None:
    (workspace.inbox / "a.txt").write_bytes(b"one two")
    tally = one_pass(workspace, clock)
    assert dict(tally.done) == {"artifacts": 1, "upper": 1, "count": 1, "collect": 1}
    assert not tally.failed
    assert collected(workspace, tally) == b"[2]"
    assert not list(workspace.inbox.iterdir())


def test_a_second_pass_touches_nothing(workspace: Workspace, clock: FakeClock) -> None:
    for n in range(100):
        (workspace.inbox / str(n)).write_text("word " * n)
    one_pass(workspace, clock)
    before = {path: path.stat().st_mtime_ns for path in workspace.outbox.rglob("*")}
    tally = one_pass(workspace, clock)
    assert not +tally.done
    assert {path: path.stat().st_mtime_ns for path in workspace.outbox.rglob("*")} == before


def test_bad_input_is_quarantined_and_the_rest_goes_on(workspace: Workspace, clock: FakeClock) -> None:
    (workspace.inbox / "bad.txt").write_bytes(b"\0")
    (workspace.inbox / "good.txt").write_bytes(b"fine")
    tally = one_pass(workspace, clock)
    [trouble] = tally.troubles.values()
    assert (trouble.reason, trouble.name, trouble.kind) == ("a NUL byte in the text", "bad.txt", "input")
    folder = workspace.quarantined("upper", trouble.input)
    assert (folder / "artifact").read_bytes() == b"\0"
    assert collected(workspace, tally) == b"[1]"
    assert not one_pass(workspace, clock).failed
