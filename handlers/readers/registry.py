"""Finds the formats: every `Reader` in a module of `handlers.readers.formats`."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from handlers.readers import formats
from handlers.readers.interface import Kind, MalformedError, Reader, UnknownFormatError
from handlers.readers.node import Node


@functools.cache
def readers() -> tuple[Reader, ...]:
    """All readers, by name. Two of one name are a bug and raise."""
    found: dict[str, Reader] = {}
    for module in pkgutil.walk_packages(formats.__path__, f"{formats.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Reader) and found.setdefault(value.name, value) is not value:
                raise RuntimeError(f"two readers are named {value.name}")
    return tuple(found[name] for name in sorted(found))


def claimants(kind: Kind, document: Node) -> tuple[Reader, ...]:
    """The readers that say that this document is theirs; exactly one for a report of a known format."""
    mine = tuple(each for each in readers() if each.kind == kind and each.claims(document))
    return tuple(each for each in mine if not each.last_resort) or mine


def reader_for(kind: Kind, document: Node) -> Reader:
    """Raises MalformedError if no reader knows the document, or more than one claims it."""
    mine = claimants(kind, document)
    if not mine:
        raise UnknownFormatError(f"no scanner's format is recognised in this {kind.upper()} document")
    if len(mine) > 1:
        raise MalformedError(f"more than one format fits: {', '.join(each.name for each in mine)}")
    return mine[0]
