"""Internal host names and IP addresses in a text, told from the versions, files and packages that look alike."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Literal

Replace = Callable[[Literal["host", "ip"], str], str]

_INSIDE = "internal|intranet|intra|corp|lan|private|priv|localdomain|local"
INTERNAL = re.compile(
    rf"(?i)(?<![\w.\\-])(?<![^/]/)(?P<host>(?:[a-z0-9-]+\.)+(?:{_INSIDE}|home\.arpa)(?:\.[a-z0-9-]+){{0,3}}|"
    rf"(?:{_INSIDE})(?:\.[a-z0-9-]+){{1,2}}\.(?:com|net|org|io|cloud|de|eu|uk|fr|ch|at|nl|us)|ip(?:-\d{{1,3}}){{4}})"
    r"(?![\w(-]|\.[a-z0-9])"
)
HINTS = (
    *(f".{each}" for each in _INSIDE.split("|")),
    ".home.arpa",
    *(f"{each}." for each in _INSIDE.split("|")),
    "ip-",
)
"""Without one of these no internal host is named."""
SINGLE = re.compile(
    r"(?i)(?<=://)(?:(?P<login>[^\s/@\"'<>]{1,256}@)|(?![^\s/@]{0,256}@))(?P<host>[a-z0-9][a-z0-9_-]*)(?=[:/?#\s\"'<>)\]]|$)"
)
CODE = re.compile(
    # packages and modules; `threading.local` and its like; files
    r"(?:com|org|net|io|java|javax|jdk|sun|jakarta|kotlin|scala|android|androidx|dev|system|microsoft|threading|werkzeug|"
    r"asgiref|self|this|thread|gevent|greenlet|env|flask|context|module|window)\..*|"
    r".*\.(?:py|js|ts|go|java|rb|php|cs|json|ya?ml|xml|html|css|sh|md|txt|toml|ini|cfg|conf|lock|kt|tf|key|pem|example)"
)
CAMEL = re.compile(r"[a-z][A-Z]|[A-Z][a-z]")

IPV4 = re.compile(
    r"(?<![\w.])(?<![A-Za-z_]-)(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\w|-[A-Za-z]|\.\w)"
)
QUAD = re.compile(r"\d\.\d{1,3}\.\d{1,3}\.\d")
COLONS = re.compile(r":[0-9a-fA-F]{0,4}:")
IPV6 = re.compile(r"(?i)(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])")
MAC = re.compile(r"(?i)(?<![\w:-])(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?![\w:-])")
AFTER_VERSION = re.compile(
    r"(?i)(?:\b(?:versions?|ver\.?|releases?|fixed(?: in)?|installed|before|prior to|up to|up(?:grade|date) to|below|v)"
    r"[\s:]*|(?:[=~<>!]=|[<>~^])\s?|pkg:\S*@|cpe:\S*:)$"
)
AFTER_ADDRESS = re.compile(
    r"(?i)(?:://|@|\b(?:host|ip|address|addr|server|listen|bind|inet|client|peer)\w*[\s:=\"'(]*)$"
)
EVERYBODYS = frozenset({"0.0.0.0", "255.255.255.255", "169.254.169.254", "10.0.0.0", "172.16.0.0", "192.168.0.0"})
"""All, broadcast, the clouds' metadata service, and the names of the private networks."""


def replace(text: str, low: str, name: Replace) -> str:
    """The text with each internal host and address replaced by `name(kind, value)`; `low` is the text in lower case."""
    if any(each in low for each in HINTS):
        text = INTERNAL.sub(lambda found: _internal(found, name), text)
    if QUAD.search(text):
        text = IPV4.sub(lambda found: _ipv4(found, name), text)
    if "://" in text:
        text = SINGLE.sub(lambda found: _single(found, name), text)
    if COLONS.search(text):
        text = MAC.sub(lambda found: name("ip", found[0]), text)
        text = IPV6.sub(lambda found: _ipv6(found, name), text)
    return text


def _before(found: re.Match[str]) -> str:
    return found.string[max(0, found.start() - 120) : found.start()]


def _internal(found: re.Match[str], name: Replace) -> str:
    host = found["host"]
    in_url = _before(found).endswith(("://", "@"))
    if CODE.fullmatch(host.casefold()) or (CAMEL.search(host) and not in_url):
        return found[0]
    return name("host", host)


def _single(found: re.Match[str], name: Replace) -> str:
    """A host of a single label can only be one of the network around: `http://jenkins:8080/`."""
    host = found["host"]
    image = _before(found).endswith(("docker://", "oci://", "file://"))
    if image or host.casefold() == "localhost" or host.isdigit():
        return found[0]
    return (found["login"] or "") + name("host", host)


def _ipv4(found: re.Match[str], name: Replace) -> str:
    parts = found[0].split(".")
    if parts[0] in {"0", "127"} or found[0] in EVERYBODYS or any(len(each) > 1 and each[0] == "0" for each in parts):
        return found[0]
    before, after = _before(found), found.string[found.end() : found.end() + 2]
    if AFTER_VERSION.search(before):
        return found[0]
    placed = bool(AFTER_ADDRESS.search(before)) or re.match(r"[:/]\d", after) is not None
    small = all(int(each) < 32 for each in parts)  # as versions are
    if small and not placed and not ipaddress.IPv4Address(found[0]).is_private:
        return found[0]
    return name("ip", found[0])


def _ipv6(found: re.Match[str], name: Replace) -> str:
    try:
        address = ipaddress.IPv6Address(found[0])
    except ValueError:
        return found[0]
    plain = address.is_loopback or address.is_unspecified or len(found[0]) < 6
    return found[0] if plain else name("ip", address.compressed)
