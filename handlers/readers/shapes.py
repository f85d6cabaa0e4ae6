"""What formats share: telling them apart by their first records, version bounds, line ranges, HTML in fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import islice

from handlers.readers.node import Node

EARLY = 40
"""How many records tell a format; asking all of 50,000, once for each format, would cost more than reading them."""


def early(report: Node, path: str = "") -> list[Node]:
    """The first objects of a list, of JSON Lines, or of an object's values; the object itself if there is no path."""
    there = report.at(path) if path else report
    if there.is_list:
        nodes: Iterator[Node] = (there[index] for index in range(min(EARLY, len(there.value))))
    elif path:
        nodes = (node for _, node in islice(there.fields(), EARLY))
    else:
        nodes = iter((there,))
    return [node for node in nodes if node.is_object]


def some(report: Node, *keys: str, path: str = "") -> bool:
    """One of the first records has all of these keys."""
    return any(record.has(*keys) for record in early(report, path))


BOUND = re.compile(r"(?:^|[\s,|(\[])(>=|~>|\^|~|==?|)\s*v?(\d[\w.+:~-]*)")


def lower_bounds(*ranges: str | None) -> tuple[str, ...]:
    """The versions from which ranges begin: `>=1.2.3 <2 || >=2.1` gives 1.2.3 and 2.1.

    This is what "patched versions" of npm, cargo and RubyGems mean by a fixed version. `<0.0.0` (npm: none) gives none.
    """
    found = (match[1] for each in ranges if each for match in BOUND.findall(each))
    return tuple(dict.fromkeys(found))


def upper_bounds(affected: str | None) -> tuple[str, ...]:
    """The versions below which ranges of affected ones end, the first that are not affected: `>=7,<7.4.5|>=4,<6.5.8`
    gives 7.4.5 and 6.5.8. `<=` names an affected version and gives none."""
    return tuple(dict.fromkeys(re.findall(r"<(?!=)\s*v?(\d[\w.+:~-]*)", affected or "")))


def line_range(text: str | None) -> tuple[int | None, int | None]:
    """`"79"` is (79, None), `"79-82"` is (79, 82)."""
    numbers = [int(each) for each in re.findall(r"\d{1,9}", text or "")]
    return (numbers[0] if numbers else None), (numbers[1] if len(numbers) > 1 else None)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("p", "br", "li", "div", "tr", "h1", "h2", "h3", "pre", "ul", "ol"):
            self.parts.append("\n- " if tag == "li" else "\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def plain(html: str | None) -> str | None:
    """The words of a field that holds HTML; a text without markup stays as it is."""
    if html is None or not re.search(r"<[a-zA-Z/]|&[#a-z]", html):
        return html
    parser = _Text()
    try:
        parser.feed(html)
        parser.close()
    except AssertionError:  # so html.parser refuses a broken `<![…`
        return re.sub(r"<[^>]*>?", " ", html).strip() or None
    return re.sub(r"\n\s*\n+", "\n\n", "".join(parser.parts)).strip() or None
