"""Chat rows as people and programs write them: one JSON object a line, in one of three forms.

    {"messages": [{"role": "user", "content": …}, {"role": "assistant", "content": …}]}
    {"instruction": …, "response": …}          an "input" beside them is put below the instruction
    {"prompt": …, "completion": …}

These are the forms that mlx-lm and the Hub's trainers read. Two keys of ours may stand beside them, "group" and "task":
what the row is about (`groups.own_key`), and which generated row of that group it replaces.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from handlers.dataset.split import fraction
from handlers.records import Record
from watcher.errors import BadInput

PAIRS = (("instruction", "response"), ("prompt", "completion"))
FORMS = "a row is {messages}, {instruction, response} or {prompt, completion}"


class Message(Record, frozen=True, kw_only=True):
    role: Literal["system", "user", "assistant"]
    content: str


class Example(Record, frozen=True, kw_only=True):
    """One row to learn from; the last message is the answer."""

    messages: tuple[Message, ...]
    group: str | None = None
    task: str | None = None

    @property
    def prompt(self) -> str:
        return "\n\n".join(each.content for each in self.messages[:-1])

    @property
    def answer(self) -> str:
        return self.messages[-1].content


class BadRow(Record, frozen=True, kw_only=True):
    line: int  # 1-based
    reason: str


class Rows(Record, frozen=True, kw_only=True):
    examples: tuple[Example, ...]
    bad: tuple[BadRow, ...]


def load_rows(path: Path) -> Rows:
    """Reads a JSONL file of rows; a line that is none is named in `bad`, blank lines are skipped.

    Raises BadInput if there is no such file or it can't be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}", "name a JSONL file of rows") from None
    return read_rows(content)


def read_rows(content: bytes) -> Rows:
    """The same for bytes in memory."""
    examples, bad = [], []
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            examples.append(_example(line))
        except ValueError as error:
            bad.append(BadRow(line=number, reason=str(error)))
    return Rows(examples=tuple(examples), bad=tuple(bad))


def _example(line: bytes) -> Example:
    """Raises ValueError (msgspec's errors are ValueErrors too) that says why the line is no row."""
    try:
        raw = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise ValueError(f"a {type(raw).__name__}, not an object; {FORMS}")
    if raw.get("tools"):
        raise ValueError("rows with tools are not supported")
    fields = {"messages": list(_messages(raw)), "group": raw.get("group"), "task": raw.get("task")}
    example = msgspec.convert(fields, Example)
    _check(example.messages)
    return example


def _messages(raw: dict[str, object]) -> Iterator[object]:
    """The messages of a row of any form; roles and contents are not checked here."""
    if "messages" in raw:
        if not isinstance(raw["messages"], list):
            raise ValueError("messages is no list")
        for each in raw["messages"]:
            kept = ("role", "content")
            yield {key: each[key] for key in kept if key in each} if isinstance(each, dict) else each
        return
    for asked, answered in PAIRS:
        if asked in raw and answered in raw:
            prompt = raw[asked]
            if raw.get("input") and isinstance(prompt, str):
                prompt = f"{prompt}\n\n{raw['input']}"
            yield {"role": "user", "content": prompt}
            yield {"role": "assistant", "content": raw[answered]}
            return
    raise ValueError(f"has the keys {', '.join(sorted(raw)) or 'none'}; {FORMS}")


def _check(messages: Sequence[Message]) -> None:
    roles = [each.role for each in messages]
    if not roles or roles[-1] != "assistant":
        raise ValueError("the last message must be the assistant's")
    if "user" not in roles:
        raise ValueError("no message of the user")
    if "system" in roles[1:]:
        raise ValueError("only the first message may be the system's")
    empty = next((number for number, each in enumerate(messages, 1) if not each.content.strip()), None)
    if empty:
        raise ValueError(f"message {empty} is empty")


def text_key(example: Example) -> str:
    """A digest of the row's text that case and white space do not change: equal keys are exact duplicates."""
    normal = "\x1f".join(f"{each.role}:{' '.join(each.content.split()).casefold()}" for each in example.messages)
    return hashlib.blake2b(normal.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def split_rows(examples: Sequence[Example], valid_share: float) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Train and valid rows of a one-off training on a file; each side has a row at least, equal rows share a side.

    A row's own digest decides its side, so the order of rows does not matter. Raises BadInput below two different rows.
    """
    keys = [text_key(each) for each in examples]
    drawn = sorted({key: fraction(key) for key in keys}.items(), key=lambda pair: (pair[1], pair[0]))
    if len(drawn) < 2:
        raise BadInput(f"{len(drawn)} different row(s): too few to train on and to check with", "give at least 2 rows")
    count = min(max(1, sum(value < valid_share for _, value in drawn)), len(drawn) - 1)
    held = {key for key, _ in drawn[:count]}
    train = tuple(each for each, key in zip(examples, keys, strict=True) if key not in held)
    valid = tuple(each for each, key in zip(examples, keys, strict=True) if key in held)
    return train, valid
