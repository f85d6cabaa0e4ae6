"""Any sequence of drops, passes, kills, retries and clock jumps leaves the books as a simple model says."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from crash import drop, in_a_child, killed_at, prove, the_pass
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from toy import PIPELINE, digest

from watcher import files
from watcher.again import retry_all
from watcher.failures import Retries, Schedule
from watcher.index import Index
from watcher.workspace import Workspace

contents = st.binary(max_size=6) | st.sampled_from([b"one two", b"bad \0", b"half", b""])


class Books(RuleBasedStateMachine):
    """The model: the set of contents ever dropped. After a whole pass each is done, or quarantined if it has a NUL."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.workspace = Workspace(self.folder).make()
        self.dropped: set[bytes] = set()
        self.count = 0

    def teardown(self) -> None:
        files.reached = files._ignore
        shutil.rmtree(self.folder)

    @rule(some=st.lists(contents, max_size=4))
    def drop(self, some: list[bytes]) -> None:
        self.count += 1
        drop(self.workspace, some, f"{self.count}-")
        self.dropped |= set(some)

    @rule()
    def pass_over(self) -> None:
        assert in_a_child(lambda: the_pass(self.workspace))
        with Index(self.workspace, PIPELINE) as index:
            done = {job.input for job in index.jobs("upper")}
        quarantined = set(files.names(self.workspace.quarantine / "upper"))
        assert done == {digest(each) for each in self.dropped if b"\0" not in each}
        assert quarantined == {digest(each) for each in self.dropped if b"\0" in each}
        assert not list(self.workspace.inbox.iterdir())

    @rule(nth=st.integers(0, 150))
    def kill(self, nth: int) -> None:
        in_a_child(killed_at(nth, lambda: the_pass(self.workspace)))

    @rule()
    def retry(self) -> None:
        retry_all(self.workspace, Schedule(self.workspace, Retries()))

    @rule(nth=st.integers(0, 20))
    def kill_retry(self, nth: int) -> None:
        in_a_child(killed_at(nth, self.retry))

    @rule()
    def lose_the_index(self) -> None:
        (self.workspace.state / "index.sqlite").unlink(missing_ok=True)

    @invariant()
    def balanced(self) -> None:
        prove(self.workspace, list(self.dropped))


TestBooks = Books.TestCase
TestBooks.settings = settings(
    max_examples=8, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
