"""The journal of what was seen: whatever is written down is known afterwards, and only that."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.sources.drop import plain
from handlers.sources.memory import Event, Memory, Schedule

IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=10)
EVENTS = st.builds(
    Event,
    id=IDS,
    state=st.sampled_from(["landing", "landed", "left out", "gone"]),
    why=IDS,
    filters=st.sampled_from(["one", "other"]),
    name=IDS,
    provenance=st.dictionaries(IDS, st.none() | st.booleans() | st.integers(0, 9) | IDS, max_size=3),
)


@given(st.lists(EVENTS, max_size=8), st.integers(0, 40))
@settings(deadline=None, max_examples=40)
def test_a_torn_journal_holds_all_that_was_written_whole(events: list[Event], torn: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        memory = Memory(Path(folder), "one")
        for event in events:
            memory.note(event)
        journal = Path(folder) / "seen.jsonl"
        if journal.exists():
            journal.write_bytes(journal.read_bytes() + b'{"id":"never written"}'[:torn].rstrip(b"\n"))
        again = Memory(Path(folder), "one")
        assert sorted(each.id for each in again.landing()) == sorted(each.id for each in memory.landing())
        assert all(again.knows(each.id) == memory.knows(each.id) for each in events)
        left_out = {each.id for each in events if each.state == "left out" and each.filters == "other"}
        known = {each.id for each in events if each.state in ("landed", "gone")}
        known |= {each.id for each in events if each.state == "left out" and each.filters == "one"}
        assert all(again.knows(each) == (each in known) for each in left_out | known)


@given(st.floats(0, 2e9), st.integers(0, 99), IDS)
def test_a_schedule_reads_back(due: float, failures: int, limit: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "schedule.json"
        assert Schedule.read(file) == Schedule()
        Schedule(due, failures, limit).write(file)
        assert Schedule.read(file) == Schedule(due, failures, limit)


@given(st.text())
def test_any_text_becomes_a_files_name(text: str) -> None:
    name = plain(text)
    assert 0 < len(name.encode()) <= 150
    assert "/" not in name
    assert not name.startswith(".")
    assert not name.endswith((".part", ".tmp")) or text.rstrip(".- ").endswith((".part", ".tmp"))
