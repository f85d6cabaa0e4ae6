"""Makes other people's text harmless before it is stored: the one place that does.

Reports are written by whoever shaped the scanned code. Their text may try to speak to a terminal (escape sequences),
to a reader's eye (bidirectional and invisible characters), to a browser (links, HTML), to a tokenizer (chat-template
tokens), or to a language model (instructions). Prose loses all of these; names lose what no name needs; code keeps
its shape. What is left says what the report said, and no more.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

import msgspec

from handlers.hostile import speaks_to_model
from handlers.records import Finding, Location, Package

LONGEST_WORD = 200
"""Characters; a SHA-512 in hexadecimal has 128."""
LONGEST_NAME = 300
WITHHELD = "(withheld)"
"""Stands for a name that is needed but spoke to the model."""

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])|\x9b[0-?]*[ -/]*[@-~]")
_SPELLINGS = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    0x2223: "|",
    0x2028: "\n",
    0x2029: "\n",
    0x2024: ".",
    0x3002: ".",
    0xFF61: ".",
}
"""Full-width letters and other spellings of what ASCII has; the dots are dots in host names too."""
_TOKENS = re.compile(
    r"<\s*\|[^<>\n]{0,60}?\|\s*>|<\s*\||\|\s*>(?!=)|<\w{1,20}\|>|<</?SYS>>"
    r"|\[/?(?:INST|SYS|SYSTEM|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]"
    r"|</?(?:assistant|function_calls|function_results|invoke|unused\d+|reserved_\d+|0x[0-9a-f]{2})>"
    r"|</?(?:s|bos|eos|pad|unk|mask|think|tool_call|tool_response|(?:start|end)_of_turn|im_(?:start|end))>"
    r"|<\u2581?(?:begin|end)\u2581of\u2581sentence>|#{2,}\s*(?:instruction|response|input|system)s?\s*:?"
    r"|^\s*(?:human|assistant|user|system|ai)\s*:",
    re.IGNORECASE | re.MULTILINE,
)
_MARKDOWN_LINK = re.compile(r"!?\[([^\]\n]{0,300})\]\s*(?:\([^)\n]{0,2000}\)|\[[^\]\n]{0,300}\])")
_REFERENCE = re.compile(r"^\s*\[[^\]\n]{1,300}\]:\s*\S+.*$", re.MULTILINE)
_DROPPED_ELEMENT = re.compile(r"<(script|style|iframe|svg|object)\b.*?(?:</\1\s*>|$)", re.IGNORECASE | re.DOTALL)
_ELEMENTS = (
    "a|abbr|address|article|aside|audio|b|base|big|blockquote|body|br|button|canvas|center|cite|code|dd|"
    "del|details|div|dl|dt|"
    "em|embed|fieldset|figure|font|footer|form|frame|frameset|h[1-6]|head|header|hr|html|i|iframe|img|"
    "input|ins|kbd|label|"
    "li|link|main|map|mark|marquee|math|menu|meta|nav|noscript|object|ol|option|p|picture|pre|q|samp|script|section|"
    "select|small|source|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|template|textarea|"
    "tfoot|th|thead|tr|"
    "tt|u|ul|var|video|wbr"
)
_TAG = re.compile(
    rf"</?(?:{_ELEMENTS})(?:[\s/][^<>]{{0,2000}})?>|</?[a-z][^<>]{{0,200}}=[^<>]{{0,2000}}>|<!--.*?(?:-->|"
    rf"$)|<!\w[^<>]*>",
    re.IGNORECASE | re.DOTALL,
)
_URL = re.compile(
    r"(?:\b(?:[a-z][a-z0-9+.-]{1,20}://|(?:data|javascript|vbscript|mailto):)|\bwww\.)[^\s<>\"'`)\]]+", re.IGNORECASE
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_SPACE = re.compile(r"\s+")
_SENTENCE_END = re.compile(r"(?<![\d.])(?<!\be\.g)(?<!\bi\.e)(?<!\bvs)(?<!\bcf)([.!?])\s")
_HEADING = re.compile(r"^\s*#{1,6}\s+(?:[^\n]{0,60}$)?", re.MULTILINE)
_STRONG = re.compile(r"(?<![\w*])\*\*(?=\S)([^*\n]{1,200}?)(?<=\S)\*\*(?![\w*])")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/+-]{1,80}")
_CWE = re.compile(r"CWE-\d{1,5}")
_VECTOR = re.compile(r"(?:CVSS:\d\.\d/)?[A-Za-z]{1,3}:[A-Za-z]{1,6}(?:/[A-Za-z]{1,3}:[A-Za-z]{1,6}){2,40}")
_WEB = re.compile(r"https?://[^\s<>\"'`@\\|{}^]{3,500}", re.IGNORECASE)


def clean_prose(text: str, most: int) -> str:
    """Text for people, on one line: at most `most` characters, cut at a sentence or word."""
    text = _undecorated(_visible(text))
    if speaks_to_model(text):
        text = "\n".join(each for each in _SENTENCE.split(text) if not speaks_to_model(each))
        if speaks_to_model(text):  # an instruction spread over sentences
            return ""
    text = _SPACE.sub(" ", text).strip()
    return shorten(" ".join(_short_word(word) for word in text.split(" ")), most)


@lru_cache(maxsize=1 << 16)
def clean_name(text: str, most: int = LONGEST_NAME) -> str:
    """An identifier, path or version: one line, no quotes that end a code span, `(withheld)` if it "
    "speaks to a model."""
    text = _SPACE.sub(" ", _undecorated(_visible(text)).replace("`", "'")).strip()
    return WITHHELD if speaks_to_model(text) else text[:most]


def clean_code(text: str, most: int) -> str:
    """Quoted code: lines and indentation stay; links lose their target, lines that speak to a model their text."""
    lines = _tokens_out(_visible(text)).replace("```", "'''").expandtabs(4).split("\n")
    tidy = (_URL.sub("[link]", _MARKDOWN_LINK.sub(r"\1", line))[:LONGEST_NAME].rstrip() for line in lines)
    return "\n".join(WITHHELD if speaks_to_model(line) else line for line in tidy).strip("\n")[:most]


def clean_finding(finding: Finding, most: int) -> Finding:
    """The finding with every text cleaned; at most `most` characters in any of them."""
    return msgspec.structs.replace(
        finding,
        tool=clean_name(finding.tool, 60),
        tool_version=_maybe_name(finding.tool_version, 60),
        repository=_maybe_name(finding.repository),
        rule_id=_maybe_name(finding.rule_id),
        title=clean_prose(finding.title, LONGEST_NAME) or "finding without a usable title",
        severity_raw=_maybe_name(finding.severity_raw, 40),
        severity_origin=_maybe_name(finding.severity_origin, 60),
        cvss_vector=finding.cvss_vector if _VECTOR.fullmatch(finding.cvss_vector or "") else None,
        cwes=tuple(each for each in finding.cwes if _CWE.fullmatch(each)),
        ids=tuple(each for each in finding.ids if _is_identifier(each)),
        description=_maybe_prose(finding.description, most),
        remediation=_maybe_prose(finding.remediation, most),
        references=tuple(each for each in finding.references if _WEB.fullmatch(each) and not speaks_to_model(each)),
        snippet=(clean_code(finding.snippet, most) or None) if finding.snippet else None,
        locations=tuple(_location(each) for each in finding.locations),
        package=_package(finding.package) if finding.package else None,
        suppression=_maybe_prose(finding.suppression, LONGEST_NAME),
        pointer=clean_name(finding.pointer, 1000),
        member=_maybe_name(finding.member, 1000),
        occurrences=tuple(
            msgspec.structs.replace(
                each,
                pointer=clean_name(each.pointer, 1000),
                member=_maybe_name(each.member, 1000),
                tool=clean_name(each.tool, 60),
                rule_id=_maybe_name(each.rule_id),
            )
            for each in finding.occurrences
        ),
    )


def is_clean(text: str) -> bool:
    """Whether a text has neither unseen characters nor template tokens."""
    return _tokens_out(_visible(text)) == text


def shorten(text: str, most: int) -> str:
    """At most `most` characters: whole sentences if that keeps half of it, else whole words and an ellipsis."""
    if len(text) <= most:
        return text
    head = text[:most]
    ends = [found.end(1) for found in _SENTENCE_END.finditer(head)]
    return (
        head[: ends[-1]] if ends and ends[-1] >= most // 2 else head[: most - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"
    )


def _visible(text: str) -> str:
    """Without terminal sequences and characters that show nothing or turn the direction; tabs and lines stay."""
    text = _ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n").translate(_SPELLINGS)
    if text.isascii() and not _CONTROL.search(text):
        return text
    return "".join(each for each in unicodedata.normalize("NFC", text) if _shows(each))


def _shows(character: str) -> bool:
    if "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
        return False  # variation selectors can carry a text of their own
    return character.isprintable() or character in "\n\t" or unicodedata.category(character) == "Zs"


def _undecorated(text: str) -> str:
    """Prose without HTML, Markdown links, addresses and template tokens, however they are nested or escaped."""
    for _ in range(4):
        before = text
        text = _visible(html.unescape(text))
        text = _HEADING.sub("", _DROPPED_ELEMENT.sub(" ", text))
        text = _MARKDOWN_LINK.sub(r"\1", _REFERENCE.sub("", text))
        text = _URL.sub("", _TAG.sub(" ", _tokens_out(text)))
        if text == before:
            break
    return _STRONG.sub(r"\1", text).replace("```", "'''")


def _tokens_out(text: str) -> str:
    while (without := _TOKENS.sub(" ", text)) != text:
        text = without
    return text


def _is_identifier(text: str) -> bool:
    return bool(_IDENTIFIER.fullmatch(text)) and not _URL.search(text) and not speaks_to_model(text)


def _short_word(word: str) -> str:
    return word if len(word) <= LONGEST_WORD else word[: LONGEST_WORD // 2] + "…"


def _maybe_name(text: str | None, most: int = LONGEST_NAME) -> str | None:
    return (clean_name(text, most) or None) if text else None


def _maybe_prose(text: str | None, most: int) -> str | None:
    return (clean_prose(text, most) or None) if text else None


def _location(place: Location) -> Location:
    return msgspec.structs.replace(
        place,
        path=_maybe_name(place.path),
        url=place.url if _WEB.fullmatch(place.url or "") and not speaks_to_model(place.url or "") else None,
        method=_maybe_name(place.method, 20),
        symbol=_maybe_name(place.symbol),
    )


def _package(package: Package) -> Package:
    return msgspec.structs.replace(
        package,
        name=clean_name(package.name) or WITHHELD,
        ecosystem=_maybe_name(package.ecosystem, 40),
        version=_maybe_name(package.version, 100),
        fixed_versions=tuple(filter(None, (clean_name(each, 100) for each in package.fixed_versions))),
        purl=_maybe_name(package.purl, 500),
    )
