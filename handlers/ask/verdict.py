"""A person's verdict on a text, as rows to learn from: they go into the inbox and reach the dataset like any others.

Each row names the finding's group and its task, so that it takes the place of the generated rows of that problem.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from handlers.dataset.groups import own_key
from handlers.dataset.prompts import ask
from handlers.dataset.rows import Example, Message
from handlers.narrative.model import MOST_FACTS
from handlers.records import Finding, Narrative
from watcher.errors import BadInput, Unavailable
from watcher.files import write_durable

SECTIONS = ("what", "why", "fix", "check")
_HEADING = re.compile(r"^# (what|why|fix|check)\s*$", re.MULTILINE)


def accept(text: Narrative) -> list[Example]:
    """The person agrees: the text as it is."""
    finding = text.analysis.finding
    return [
        _row("explain", finding, f"{text.what}\n\n{text.why}"),
        _row("fix", finding, f"{text.fix}\n\n{text.check}"),
    ]


def reject(finding: Finding, why: str) -> list[Example]:
    """The person disagrees: the reason is the answer to how urgent the finding is. Raises BadInput for no reason."""
    if not why.strip():
        raise BadInput("a rejection needs a reason", 'say it: --reject "test code, never deployed"')
    return [_row("triage", finding, why.strip())]


def edit(text: Narrative) -> list[Example]:
    """Opens the text in the person's editor; what they leave there is the row. No rows if they changed nothing.

    Raises Unavailable if there is no editor or it fails, BadInput if it is no text or a section is missing afterwards.
    """
    before = "".join(f"# {name}\n{getattr(text, name)}\n\n" for name in SECTIONS)
    after = _edited(before)
    if after.strip() == before.strip():
        return []
    return accept(msgspec.structs.replace(text, **_parse(after)))


def drop(rows: Sequence[Example], inbox: Path) -> Path:
    """Puts the rows into the inbox as one file, named by its content: the same verdict twice is one file."""
    lines = b"".join(msgspec.json.encode(each) + b"\n" for each in rows)
    file = inbox / f"verdict-{hashlib.sha256(lines).hexdigest()[:16]}.jsonl"
    write_durable(file, lines)
    return file


def _row(task: str, finding: Finding, answer: str) -> Example:
    question = ask(task, finding, finding.fingerprint, MOST_FACTS)
    messages = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Example(messages=messages, group=own_key(finding), task=task)


def _edited(text: str) -> str:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        raise Unavailable("no editor is set", "set EDITOR, for example: export EDITOR=nano")
    with tempfile.TemporaryDirectory(prefix="scantune-") as folder:
        file = Path(folder) / "narrative.md"
        file.write_text(text, encoding="utf-8")
        try:
            subprocess.run([*shlex.split(editor), str(file)], check=True)
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            why = f"status {error.returncode}" if isinstance(error, subprocess.CalledProcessError) else error
            raise Unavailable(f"the editor {editor} failed: {why}", "set EDITOR to one that works") from None
        try:
            return file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise BadInput("the edited text is not in UTF-8", "let the editor save it as UTF-8") from None


def _parse(text: str) -> dict[str, str]:
    """The sections below their headings."""
    parts = _HEADING.split(text)
    found = {name: content.strip() for name, content in zip(parts[1::2], parts[2::2], strict=True)}
    missing = [name for name in SECTIONS if not found.get(name)]
    if missing:
        raise BadInput(f"the edited text has no section {', '.join(missing)}", "keep the four lines with #")
    return found
