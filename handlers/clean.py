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

import msgspec

from handlers.records import Finding, Location, Package

LONGEST_WORD = 200
"""Characters; a SHA-512 in hexadecimal has 128."""
LONGEST_NAME = 300
WITHHELD = "(withheld)"
"""Stands for a name that is needed but spoke to the model."""

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])|\x9b[0-?]*[ -/]*[@-~]")
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0xFF5C: ord("|"), 0x2223: ord("|")}
_TOKENS = re.compile(
    r"<\s*\|[^<>\n]{0,60}?\|\s*>|<\s*\||\|\s*>|\[/?(?:INST|SYS|SYSTEM|AVAILABLE_TOOLS|TOOL_CALLS)\]|<</?SYS>>"
    r"|</?(?:s|bos|eos|pad|unk|mask|think|tool_call|tool_response|(?:start|end)_of_turn|im_(?:start|end))>"
    r"|<\u2581?(?:begin|end)\u2581of\u2581sentence>|^\s*#{2,}\s*(?:instruction|response|input|system)s?\s*:?"
    r"|^\s*(?:human|assistant|user|system|ai)\s*:",
    re.IGNORECASE | re.MULTILINE,
)
_MARKDOWN_LINK = re.compile(r"!?\[([^\]\n]{0,300})\]\s*(?:\([^)\n]{0,2000}\)|\[[^\]\n]{0,300}\])")
_REFERENCE = re.compile(r"^\s*\[[^\]\n]{1,300}\]:\s*\S+.*$", re.MULTILINE)
_DROPPED_ELEMENT = re.compile(r"<(script|style|iframe|svg|object)\b.*?(?:</\1\s*>|$)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"</?[a-zA-Z!][^<>]{0,2000}>|<!--.*?(?:-->|$)", re.DOTALL)
_URL = re.compile(
    r"(?:\b(?:[a-z][a-z0-9+.-]{1,20}://|(?:data|javascript|vbscript|mailto):)|\bwww\.)[^\s<>\"'`)\]]+", re.IGNORECASE
)
_SPACE = re.compile(r"\s+")
_SENTENCE = re.compile(r"(?<=[.!?;:])\s+|\n+")
_SPELT_OUT = re.compile(r"\b(\w)[ .\-_](?=\w\b)")
_MODEL = r"(?:ai|a\.i\.|llm|gpt|chatgpt|claude|gemini|copilot|assistant|language model|chat ?bot|model|agent)"
_INSTRUCTIONS = re.compile(
    r"\b(?:ignor|disregard|forget|overrid|bypass|skip|discard|neglect)\w*\b.{0,40}\b(?:previous|prior|"
    r"above|earlier|preceding|"
    r"all|any|your|these|those|the|system|safety|my|other)\b.{0,30}\b(?:instruction|prompt|rule|guideline|"
    r"direction|command|context|"
    r"message|training|polic|finding|constraint|filter)"
    r"|\byou (?:are|will) now\b|\byou must (?:now|always|never|only)\b|\bfrom now on\b|\bpretend (?:to be|"
    r"that|you)\b|\brole-?play\b"
    r"|\bact as (?:an? |the |my )?(?:unrestricted|uncensored|evil|dan\b|root|admin|helpful|different|new|"
    r"" + _MODEL + r")"
    r"|\b(?:jailbreak|developer mode|do anything now|prompt injection test|god mode)\b"
    r"|\b(?:system|hidden|initial|secret|developer) (?:prompt|message|instruction)|\b(?:reveal|print|"
    r"repeat|show|leak|exfiltrate) .{0,30}"
    r"\b(?:prompt|instructions|api key|credentials|password|secrets?|token|environment variables)\b"
    r"|\b(?:new|updated|important|urgent|additional|special|further) (?:instruction|order|directive|rule|task)s?\b"
    r"|\b(?:instruction|note|message|memo|attention|dear|hey|hello|hi|to)s?,?\s+(?:for |to )?(?:the |any |"
    r"all )?" + _MODEL + r"s?\b\s*[,:!]"
    r"|\b(?:as|being) an? " + _MODEL + r"\b"
    r"|\b(?:respond|reply|answer|output|say|write|return|print) (?:only |just |always |simply )*(?:with|"
    r"exactly|the following|the word|in the style|nothing)"
    r"|\b(?:mark|classify|rate|treat|report|consider|label|flag|set|change|lower|downgrade) (?:this|it|"
    r"the|all|every|these)\b.{0,40}"
    r"\b(?:as|to|is)\b.{0,20}\b(?:safe|false positive|low|none|info|benign|resolved|fixed|harmless|not "
    r"exploitable|trusted)"
    r"|\bdo (?:not|n't) (?:report|mention|flag|tell|disclose|warn|reveal|analy[sz]e|include|fix)\b"
    r"|\b(?:end|begin|start|stop) (?:of )?(?:the )?(?:system|report|prompt|finding|data|user input|instruction)\b"
    r"|\b(?:click|tap) (?:here|this|on this|the link)|\bvisit (?:this|the|our|my|https?|www)|\bdownload "
    r"and (?:run|execute|install)\b"
    r"|\b(?:run|execute|paste|type) (?:the following|this|these)\b.{0,20}\b(?:command|code|script|terminal|shell)"
    r"|\b(?:curl|wget|iwr|invoke-webrequest)\b[^\n]{0,200}\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b|\brm -rf\b"
    r"|ignor(?:iere|a|ez|e[rz]?)\b.{0,40}\b(?:anweisung|instruccion|instruction|istruzion)|(?:忽略|"
    r"无视).{0,20}(?:指令|指示|提示)",
    re.IGNORECASE,
)  # fmt: skip
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/+-]{1,80}")
_CWE = re.compile(r"CWE-\d{1,5}")
_VECTOR = re.compile(r"[A-Za-z0-9.:/()]{8,300}")
_WEB = re.compile(r"https?://[^\s<>\"'`@\\|{}^]{3,500}", re.IGNORECASE)


def speaks_to_model(text: str) -> bool:
    """Whether a text reads like an instruction to a language model or a lure for a person."""
    plain = _SPACE.sub(" ", text.replace("_", " ").replace("-", " ") if " " not in text.strip() else text)
    return bool(_INSTRUCTIONS.search(plain) or _INSTRUCTIONS.search(_SPELT_OUT.sub(r"\1", plain)))


def clean_prose(text: str, most: int) -> str:
    """Text for people, on one line: at most `most` characters, cut at a sentence or word."""
    text = _undecorated(_visible(text))
    kept = [each for each in _SENTENCE.split(text) if each.strip() and not speaks_to_model(each)]
    text = _SPACE.sub(" ", " ".join(kept)).strip()
    if speaks_to_model(text):  # an instruction spread over sentences
        return ""
    return shorten(" ".join(_short_word(word) for word in text.split(" ")), most)


def clean_name(text: str, most: int = LONGEST_NAME) -> str:
    """An identifier, path or version: one line, no quotes that end a code span, `(withheld)` if it "
    "speaks to a model."""
    text = _SPACE.sub(" ", _TAG.sub(" ", _tokens_out(_visible(text))).replace("`", "'")).strip()
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
        rule_id=_maybe_name(finding.rule_id),
        title=clean_prose(finding.title, LONGEST_NAME) or "finding without a usable title",
        severity_raw=_maybe_name(finding.severity_raw, 40),
        severity_origin=_maybe_name(finding.severity_origin, 60),
        cvss_vector=finding.cvss_vector if _VECTOR.fullmatch(finding.cvss_vector or "") else None,
        cwes=tuple(each for each in finding.cwes if _CWE.fullmatch(each)),
        ids=tuple(each for each in finding.ids if _IDENTIFIER.fullmatch(each) and not speaks_to_model(each)),
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


def shorten(text: str, most: int) -> str:
    """At most `most` characters: whole sentences if that keeps half of it, else whole words and an ellipsis."""
    if len(text) <= most:
        return text
    head = text[:most]
    end = max(head.rfind(mark) for mark in (". ", "! ", "? "))
    return head[: end + 1] if end >= most // 2 else head[: most - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def _visible(text: str) -> str:
    """Without terminal sequences and without characters that show nothing or turn the direction; tabs "
    "and lines stay."""
    text = _ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n").translate(_FULL_WIDTH)
    if text.isascii() and text.isprintable():
        return text
    text = unicodedata.normalize("NFC", text)
    return "".join(
        each for each in text if each in "\n\t" or unicodedata.category(each) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )


def _undecorated(text: str) -> str:
    """Prose without HTML, Markdown links, addresses and template tokens, however they are nested or escaped."""
    for _ in range(4):
        before = text
        text = _visible(html.unescape(text))
        text = _MARKDOWN_LINK.sub(r"\1", _REFERENCE.sub("", _DROPPED_ELEMENT.sub(" ", text)))
        text = _URL.sub("", _TAG.sub(" ", _tokens_out(text)))
        if text == before:
            break
    return text.replace("```", "'''")


def _tokens_out(text: str) -> str:
    while (without := _TOKENS.sub(" ", text)) != text:
        text = without
    return text


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
