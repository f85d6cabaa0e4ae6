"""What a pass did, as a short table for the person."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.terminal import page
from watcher.stage import ARTIFACTS
from watcher.tally import Tally
from watcher.workspace import Workspace

LINES = 20
"""How many failures and oddities are listed at most; `status` and `why` know them all."""


def table(tally: Tally, stages: Sequence[str], workspace: Workspace) -> str:
    """A line a stage with what is new, then what failed and why, then what lies about."""
    rows = [("stage", "new", "failed", "where")]
    for name in (ARTIFACTS, *stages):
        failed = sum(1 for stage, _ in tally.troubles if stage == name)
        new = tally.done[name]
        if name == ARTIFACTS or new or failed or name in tally.held:
            where = (
                workspace.job(name, tally.keys[name]) if new == 1 and name in tally.keys else workspace.outbox / name
            )
            rows.append((name, str(new), str(failed or ""), str(where) if new else tally.held.get(name, "")))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join((row[0].ljust(widths[0]), row[1].rjust(widths[1]), row[2].rjust(widths[2]), row[3])) for row in rows
    ]
    return page([*(line.rstrip() for line in lines), *_notes(tally, workspace)])


def _notes(tally: Tally, workspace: Workspace) -> list[str]:
    notes = []
    if tally.duplicates:
        notes.append(f"{tally.duplicates} dropped again: their content was known")
    if sum(tally.incomplete.values()):
        notes.append("some inputs could be read in part only: `scantune why` says of which part")
    if "workspace" in tally.held:
        notes.append(f"the pass ended early: {tally.held['workspace']}")
    if tally.gone:
        notes.append(tally.gone)
    if tally.stopped:
        notes.append("the pass was asked to end before it was through; the next one goes on from here")
    notes += [f"still being written to: {name}" for name in tally.unsettled[:LINES]]
    notes += [f"not taken: {each.name}: {each.why}" for each in (*tally.unread, *tally.odd)[:LINES]]
    for trouble in list(tally.troubles.values())[:LINES]:
        name = trouble.name or trouble.input[:12]
        where = "will be tried again" if trouble.next else str(workspace.quarantined(trouble.stage, trouble.input))
        notes.append(f"{trouble.stage}: {name}: {trouble.text()} ({where})")
    if len(tally.troubles) > LINES:
        notes.append(f"and {len(tally.troubles) - LINES} more: `scantune status`")
    return notes
