"""Keeps what is usable of an object whose fields do not all have the type that the format asks for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
MOST_FAULTS = 200
"""How many unusable fields of one object are dropped one by one; with more, nothing of it is kept."""


def convert(value: Any, kind: type[T], say: Callable[[str], None]) -> T:
    """`value` (an object of JSON) as a `kind` whose fields all have defaults. A field of a wrong type is dropped and
    named to `say` by its path; `value` itself is changed."""
    for _ in range(MOST_FAULTS):
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            what, _, path = str(error).removesuffix("`").rpartition(" - at `$")
            _drop(value, [name or int(index) for name, index in STEP.findall(path)])
            say(f"{path.lstrip('.') or 'the object'} not usable: {what}")
    say(f"nothing usable: more than {MOST_FAULTS} fields of a wrong type")
    return kind()


def _drop(value: Any, path: list[str | int]) -> None:
    if not path:
        value.clear()
        return
    for step in path[:-1]:
        value = value[step]
    del value[path[-1]]
