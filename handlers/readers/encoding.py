"""From bytes to text: by byte order mark, by the XML declaration, else UTF-8."""

from __future__ import annotations

import codecs
import re

from handlers.readers.interface import Ledger, MalformedError

MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
DECLARED = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
ASCII_COMPATIBLE = re.compile(
    r"utf-?8|us-ascii|ascii|iso-8859-\d+|latin-?1|windows-125\d|cp125\d|koi8-[ru]", re.IGNORECASE
)


def decode(content: bytes, ledger: Ledger) -> str:
    """The text of a report. Bytes that are no UTF-8 are read as Latin-1 with a warning: nothing gets lost that way.

    Raises MalformedError for a text whose byte order mark lies, or that holds NUL.
    """
    name = encoding_of(content)
    try:
        text = content.decode(name)
    except UnicodeDecodeError as error:
        if name != "utf-8":
            raise MalformedError(f"the text is not {name} as it says: {error.reason} at byte {error.start}") from None
        ledger.warn("the text is not UTF-8 and declares no other encoding: read as Latin-1")
        text = content.decode("latin-1")
    if "\x00" in text:
        raise MalformedError(f"there is a NUL character at {text.index(chr(0))}: no text format allows it")
    return text


def encoding_of(content: bytes) -> str:
    """The name of the codec for these bytes."""
    for mark, name in MARKS:
        if content.startswith(mark):
            return name
    declared = DECLARED.match(content[:300])
    if declared and ASCII_COMPATIBLE.fullmatch(declared[1].decode("ascii")):
        return declared[1].decode("ascii").lower()
    # UTF-16 without a mark: ASCII characters leave a NUL in every other byte.
    head = content[:64]
    if len(head) >= 4 and head[1::2].count(0) > len(head) // 4:
        return "utf-16-le"
    if len(head) >= 4 and head[0::2].count(0) > len(head) // 4:
        return "utf-16-be"
    return "utf-8"
