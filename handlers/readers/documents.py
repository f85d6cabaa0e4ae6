"""From the text of a report to its document: JSON (also JSON Lines and concatenated), XML, CSV with a header, text.

Nothing is believed: a key that comes twice with different values, a NaN, nesting without end and XML entities are
noticed here, before any format's reader sees the document.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from handlers.readers.interface import Kind, Ledger, MalformedError
from handlers.readers.node import Node, XmlNode

ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
csv.field_size_limit(2**24)
MOST_PREAMBLE = 12
ASSIGNMENT = re.compile(r"(?:(?:var|let|const|window\.)\s*)?[A-Za-z_]\w*\s*=\s*(?=[{\[])")  # a script, a report
LOG_LINE = re.compile(r"\[[A-Z]{4,7}\] ")  # so begins the text of kube-bench, and no JSON


def parse(text: str, max_depth: int, ledger: Ledger) -> tuple[Kind, Node]:
    """The document and its kind. Raises MalformedError for an empty text, and for JSON or XML that is broken."""
    start = text.lstrip()
    if not start:
        raise MalformedError("the file is empty")
    if is_html(start):
        return "text", Node(text)
    if start[0] == "<":
        return "xml", XmlNode(parse_xml(start, max_depth, ledger))
    assigned = ASSIGNMENT.match(start)
    if assigned:
        return "json", Node(parse_json(start[assigned.end() :].rstrip().rstrip(";"), max_depth, ledger))
    if (start[0] in "{[" and not LOG_LINE.match(start)) or _is_json_word(start):
        return "json", Node(parse_json(text, max_depth, ledger))
    table = _csv(text, ledger)
    return ("csv", table) if table is not None else ("text", Node(text))


def _is_json_word(start: str) -> bool:
    """A whole document that is a text or a literal; `"id","host"` is the header of a CSV."""
    return start[:5].strip() in ("null", "true", "false") or (start[0] == '"' and '"' not in start.rstrip()[1:-1])


def is_page(text: str) -> bool:
    """HTML, or Markdown that begins with a heading."""
    start = text.lstrip("\ufeff \t\r\n")
    return is_html(start) or start[:2] in ("# ", "##")


def is_html(start: str) -> bool:
    head = start[:300].lower()
    return head.startswith(("<!doctype html", "<html")) or ("<html" in head and "<?xml" not in head)


# JSON


def parse_json(text: str, max_depth: int, ledger: Ledger) -> Any:
    """The value of a JSON text; a list of values for JSON Lines and concatenated documents."""
    decoder = json_decoder(ledger)
    try:
        value = decoder.decode(text.lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        value = _several(text, decoder, error, ledger)
    except RecursionError:
        raise MalformedError(f"nested more than {max_depth} deep (limits.max_depth)") from None
    return check_value(value, text, max_depth, ledger)


def check_value(value: Any, text: str, max_depth: int, ledger: Ledger) -> Any:
    """A value decoded from `text`, with whole characters. Raises MalformedError if it is nested too deep."""
    _refuse_depth(value, max_depth)
    return _whole_characters(value, ledger) if ESCAPED_SURROGATE.search(text) else value


def _whole_characters(value: Any, ledger: Ledger) -> Any:
    """The value with a question mark for each half of a surrogate pair: no UTF-8 can carry one."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            ledger.warn("half a surrogate pair in a text: replaced by a question mark")
            return value.encode("utf-8", "replace").decode()
        return value
    if isinstance(value, dict):
        return {_whole_characters(key, ledger): _whole_characters(each, ledger) for key, each in value.items()}
    return [_whole_characters(each, ledger) for each in value] if isinstance(value, list) else value


def json_decoder(ledger: Ledger, *, duplicates: bool = True) -> json.JSONDecoder:
    """Warns of what is no JSON but read as null, and (`duplicates`) raises MalformedError for keys that come twice."""

    def constant(word: str) -> None:
        ledger.warn(f"{word} is no JSON number: read as null")

    def number(word: str) -> float | None:
        value = float(word)
        if math.isfinite(value):
            return value
        ledger.warn("a number too large for a float: read as null")
        return None

    def whole(word: str) -> int | None:
        if len(word) <= 300:
            return int(word)
        ledger.warn("a number of more than 300 digits: read as null")
        return None

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        record = dict(members)
        return record if len(record) == len(members) else _judge_duplicates(members, ledger)

    hook = pairs if duplicates else None
    return json.JSONDecoder(
        object_pairs_hook=hook, parse_constant=constant, parse_float=number, parse_int=whole, strict=False
    )


def _judge_duplicates(members: list[tuple[str, Any]], ledger: Ledger) -> dict[str, Any]:
    """The object. Equal values are a blemish, and so are Checkmarx's `ID` and `ID [Taken from query_id]`: the first is
    kept. Different ones mean that one of them would vanish in silence."""
    seen: dict[str, Any] = {}
    for key, value in members:
        if key in seen and seen[key] != value:
            value = _shorter(seen[key], value)
            if value is None:
                raise MalformedError(f"the key {key[:80]!r} comes twice in one object, with different values")
        seen[key] = value
    ledger.warn("a key comes twice in one object, with the same value")
    return seen


def _shorter(one: Any, other: Any) -> str | None:
    """The text that begins the other one, followed by something in brackets."""
    if not isinstance(one, str) or not isinstance(other, str):
        return None
    short, long = sorted((one, other), key=len)
    return short if short and long.startswith(f"{short} [") else None


def _several(text: str, decoder: json.JSONDecoder, error: json.JSONDecodeError, ledger: Ledger) -> list[Any]:
    lines = [line for line in text.splitlines() if line.strip()]
    if _is_json_lines(lines):
        return _json_lines(lines, decoder, ledger)
    if error.msg == "Extra data":
        return _concatenated(text, decoder)
    raise MalformedError(f"not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}")


def _is_json_lines(lines: list[str]) -> bool:
    whole = sum(line.strip()[0] == "{" and line.strip()[-1] == "}" for line in lines)
    return len(lines) > 1 and 2 * whole > len(lines)


def _json_lines(lines: list[str], decoder: json.JSONDecoder, ledger: Ledger) -> list[Any]:
    """The values line by line; a broken line is counted and named, the others are read."""
    values: list[Any] = []
    for number, line in enumerate(lines, 1):
        try:
            values.append(decoder.decode(line.strip()))
        except json.JSONDecodeError as error:
            ledger.skip("malformed")
            ledger.warn(f"line {number} is not valid JSON: {error.msg}")
    if not values:
        raise MalformedError("none of the lines is valid JSON")
    return values


def _concatenated(text: str, decoder: json.JSONDecoder) -> list[Any]:
    values: list[Any] = []
    at = 0
    while at < len(text):
        at += len(text[at:]) - len(text[at:].lstrip()) if text[at].isspace() else 0
        if at == len(text):
            break
        try:
            value, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise MalformedError(f"after document {len(values)}: {error.msg} at line {error.lineno}") from None
        values.append(value)
    return values


def _refuse_depth(value: Any, max_depth: int) -> None:
    layer = [value]
    for _ in range(max_depth + 1):
        layer = [below for each in layer if isinstance(each, dict | list) for below in _below(each)]
        if not layer:
            return
    raise MalformedError(f"nested more than {max_depth} deep (limits.max_depth)")


def _below(value: dict[str, Any] | list[Any]) -> Iterator[Any]:
    inner = value.values() if isinstance(value, dict) else value
    return (each for each in inner if isinstance(each, dict | list))


# XML


DECLARATION = re.compile(r"((?:<!--(?:(?!-->).)*-->\s*)*)<\?xml\s[^>]*\?>", re.DOTALL)
"""An XML declaration, and the comments that some programs put before it (a licence), which XML does not allow."""


def parse_xml(text: str, max_depth: int, ledger: Ledger) -> Element:
    """The root element. Entities, external references and nesting beyond the limit are refused while parsing."""
    parser = DefusedXMLParser(target=_Bounded(max_depth), forbid_dtd=False, forbid_entities=True, forbid_external=True)
    declaration = DECLARATION.match(text)
    if declaration and declaration[1]:
        ledger.warn("a comment stands before the XML declaration: no well-formed XML, read all the same")
    try:
        # The text is decoded already: a declared encoding must not be applied again.
        parser.feed(text[declaration.end() :] if declaration else text)
        root = parser.close()
    except ParseError as error:
        raise MalformedError(f"not well-formed XML: {error}") from None
    except DefusedXmlException as error:
        raise MalformedError(f"XML with entities or external references is not read: {type(error).__name__}") from None
    if not isinstance(root, Element):
        raise MalformedError("XML without a root element")
    return root


class _Bounded:
    """A tree builder that stops at a depth."""

    def __init__(self, max_depth: int) -> None:
        from xml.etree.ElementTree import TreeBuilder

        self._builder = TreeBuilder()
        self._depth, self._max_depth = 0, max_depth

    def start(self, tag: str, attributes: dict[str, str]) -> Element:
        self._depth += 1
        if self._depth > self._max_depth:
            raise MalformedError(f"nested more than {self._max_depth} deep (limits.max_depth)")
        return self._builder.start(tag, attributes)

    def end(self, tag: str) -> Element:
        self._depth -= 1
        return self._builder.end(tag)

    def data(self, text: str) -> None:
        self._builder.data(text)

    def close(self) -> Element:
        return self._builder.close()


# CSV


def _csv(text: str, ledger: Ledger) -> Node | None:
    """`{"columns": […], "rows": [{column: text}]}` if the first line looks like a header of at least two columns.

    A row with more or fewer cells than the header (empty ones at its end aside) is counted as malformed and named:
    nobody knows under which column its cells belong.
    """
    head = text.lstrip("\ufeff").split("\n", 1)[0]
    delimiter = max(",;\t|", key=head.count)
    if head.count(delimiter) == 0 or len(head) > 5_000:
        return None
    lines = csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=delimiter)
    try:
        table = [(lines.line_num, cells) for cells in lines if any(cells)]
    except csv.Error:
        return None
    if not table:
        return None
    start = _header(table)
    columns = [column.strip() for column in table[start][1]]
    rows = [row for line, cells in table[start + 1 :] if (row := _row(columns, cells, line, ledger))]
    return Node({"columns": columns, "rows": rows})


def _header(rows: list[tuple[int, list[str]]]) -> int:
    """Where the header stands: first, or after the lines about the report that some put above a far wider table."""
    widths = [len(cells) for _, cells in rows[:MOST_PREAMBLE]]
    widest = max(widths)
    return widths.index(widest) if widest > 2 * widths[0] else 0


def _row(columns: list[str], cells: list[str], line: int, ledger: Ledger) -> dict[str, str] | None:
    wanted = len(columns)
    if len(cells) < wanted or any(cells[wanted:]):
        ledger.skip("malformed")
        ledger.warn(f"line {line} has {len(cells)} cells where the header has {wanted}: not read")
        return None
    return dict(zip(columns, cells[:wanted], strict=True))
