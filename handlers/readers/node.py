"""A value inside a report that knows where it stands (RFC 6901 pointer) and never trips over a wrong type.

Reports are other people's data: any key may be missing, null or of another type. Accessors therefore take what fits and
give None or nothing for what does not; `Ledger.records` is the strict way for lists whose loss would hide findings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element


class Node:
    """One value of a JSON document (dict, list, str, int, float, bool or None). A missing value is a falsy node."""

    __slots__ = ("key", "parent", "value")

    def __init__(self, value: Any, parent: Node | None = None, key: str | int = "") -> None:
        self.value = value
        self.parent = parent
        self.key = key

    def __bool__(self) -> bool:
        return self.value not in (None, "", [], {})

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def __getitem__(self, key: str | int) -> Node:
        """The child of that key or index, or a node of None."""
        return Node(self._raw(key), self, key)

    def _raw(self, key: str | int) -> Any:
        if isinstance(self.value, dict):
            return self.value.get(key)
        if isinstance(self.value, list) and isinstance(key, int) and -len(self.value) <= key < len(self.value):
            return self.value[key]
        return None

    @property
    def pointer(self) -> str:
        """The JSON pointer of this value in its document, `""` for the document itself."""
        if self.parent is None:
            return str(self.key)
        return f"{self.parent.pointer}/{str(self.key).replace('~', '~0').replace('/', '~1')}"

    @property
    def is_object(self) -> bool:
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        return isinstance(self.value, list)

    def at(self, path: str) -> Node:
        """`report.at("a.b.c")` is `report["a"]["b"]["c"]`."""
        node = self
        for key in path.split("."):
            node = node[key]
        return node

    def has(self, *keys: str) -> bool:
        """All of these keys are there, whatever they hold."""
        return all(key in self for key in keys)

    def text(self, *paths: str) -> str | None:
        """The first of these dotted paths (or this value itself) that holds a word: text, or a number as text."""
        for node in map(self.at, paths) if paths else (self,):
            value = node.value
            if isinstance(value, str) and value.strip():
                return value.strip()
            if isinstance(value, int | float) and not isinstance(value, bool):
                return str(value)
        return None

    def number(self, *paths: str) -> float | None:
        """The first of these that is a finite number, or text that reads as one."""
        for node in map(self.at, paths) if paths else (self,):
            number = _as_number(node.value)
            if number is not None:
                return number
        return None

    def integer(self, *paths: str) -> int | None:
        number = self.number(*paths)
        return None if number is None else int(number)

    def flag(self, path: str) -> bool | None:
        value = self.at(path).value
        if isinstance(value, str):
            return {"true": True, "false": False}.get(value.strip().lower())
        return value if isinstance(value, bool) else None

    def items(self, path: str = "") -> list[Node]:
        """The elements of a list; nothing if it is no list."""
        node = self.at(path) if path else self
        if not isinstance(node.value, list):
            return []
        return [Node(value, node, index) for index, value in enumerate(node.value)]

    def fields(self, path: str = "") -> Iterator[tuple[str, Node]]:
        """The keys and values of an object; nothing if it is no object."""
        node = self.at(path) if path else self
        if isinstance(node.value, dict):
            for key, value in node.value.items():
                yield key, Node(value, node, key)

    def texts(self, path: str = "") -> tuple[str, ...]:
        """The words of a list of texts; a single text counts as a list of one."""
        node = self.at(path) if path else self
        each = node.items() if node.is_list else [node]
        return tuple(word for word in (one.text() for one in each) if word)

    def entries(self) -> list[Node]:
        """The documents of JSON Lines or of a list; a single object counts as a list of one."""
        return self.items() if self.is_list else [self]


class XmlNode(Node):
    """An XML element, asked like a JSON object: attributes first, then child elements of that name (no namespaces).

    `node["name"]` is the first such child; `items("issues.issue")` are all of them; `text()` is the element's own text.
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        """The element's name without its namespace."""
        return local_name(self.value) if isinstance(self.value, Element) else ""

    def __bool__(self) -> bool:
        return self.value is not None and (not isinstance(self.value, str) or bool(self.value.strip()))

    def __contains__(self, key: str) -> bool:
        return self._raw(key) is not None

    def __getitem__(self, key: str | int) -> XmlNode:
        return XmlNode(self._raw(key), self, key)

    def _raw(self, key: str | int) -> Any:
        if not isinstance(self.value, Element):
            return None
        if isinstance(key, str) and key in self.value.attrib:
            return self.value.attrib[key]
        return _child(self.value, key)

    @property
    def is_object(self) -> bool:
        return isinstance(self.value, Element)

    @property
    def is_list(self) -> bool:
        return False

    def at(self, path: str) -> XmlNode:
        node = self
        for key in path.split("."):
            node = node[key]
        return node

    def text(self, *paths: str) -> str | None:
        for node in map(self.at, paths) if paths else (self,):
            value = "".join(node.value.itertext()) if isinstance(node.value, Element) else node.value
            if isinstance(value, str) and value.strip():
                return value.strip()
        return None

    def number(self, *paths: str) -> float | None:
        numbers = (_as_number(self.text(path)) for path in paths) if paths else iter((_as_number(self.text()),))
        return next((number for number in numbers if number is not None), None)

    def flag(self, path: str) -> bool | None:
        return {"true": True, "false": False}.get((self.text(path) or "").lower())

    def items(self, path: str = "") -> list[Node]:
        """All child elements of the last name of the path, below the first of each name before it; without a path
        all children."""
        above, _, last = path.rpartition(".")
        node = self
        for key in above.split(".") if above else ():
            node = XmlNode(_child(node.value, key), node, key)  # an attribute may have the same name
        if not isinstance(node.value, Element):
            return []
        children = [child for child in node.value if not last or local_name(child) == last]
        return [XmlNode(child, node, f"{local_name(child)}[{n}]") for n, child in enumerate(children, 1)]

    def texts(self, path: str = "") -> tuple[str, ...]:
        return tuple(word for word in (one.text() for one in self.items(path)) if word)


def _child(element: Any, name: str | int) -> Element | None:
    """The first child element of that name."""
    children = element if isinstance(element, Element) else ()
    return next((child for child in children if local_name(child) == name), None)


def local_name(element: Element) -> str:
    """`{namespace}name` -> `name`; `""` for a comment or a processing instruction."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _as_number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
