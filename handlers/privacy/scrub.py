"""Takes out of a text what must not be shared, and puts stable pseudonyms in its place.

    secrets                       SECRET_1a2b3c4d
    e-mail addresses              user-1a2b@mail.example
    user names in home folders    /home/user-1a2b/…
    internal hosts, IP addresses  host-1a2b.example, ip-1a2b.example

The same value gets the same pseudonym everywhere, so that a text stays coherent. A pseudonym is a keyed digest cut
short: many values share one, and with a key of one's own nobody can try values out. `.example` belongs to nobody
(RFC 2606). Scrubbing a scrubbed text changes nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Literal, TypeVar

import msgspec

from handlers.privacy import commands, hosts
from handlers.privacy.secrets import (
    AFTER_DIGEST,
    KEY,
    LONG,
    NAMED,
    NAMES,
    OPTION,
    PASSWORD_IN_URL,
    PREFIXED,
    PRIVATE_KEY,
    TOKEN,
    is_value,
    looks_random,
)

Kind = Literal["secret", "mail", "user", "host", "ip"]
_SHAPES: dict[Kind, tuple[str, int]] = {
    "secret": ("SECRET_{}", 8),
    "mail": ("user-{}@mail.example", 4),
    "user": ("user-{}", 4),
    "host": ("host-{}.example", 4),
    "ip": ("ip-{}.example", 4),
}
EMAIL = re.compile(
    r"(?<![\w.+%-])[A-Za-z0-9][\w.+-]{0,63}(?:@|%40)(?!v?\d+\.)(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,18}(?![\w@])"
)
NOWHERE = re.compile(
    r"(?i)(?:^|\.)example(?:\.(?:com|net|org))?$|^lists\.(?:fedoraproject|debian|apache|opensuse|ubuntu|gnu)\.(?:org|com)$"
)
"""Reserved names, and the public lists that announce advisories."""
HOME = re.compile(
    r"(?P<home>(?<![\w.])(?:(?:/mnt|/cygdrive)?/[a-z]|/export|/var|/usr|/net)?/(?:home|Users)/|%2F(?:home|Users)%2F|"
    r"(?<![\w/~])~(?=[^/\s]{3,32}/\.)|(?i:[a-z]:[\\/]+(?:users|documents and settings)[\\/]+))"
    r"(?P<name>[^\s\\/:\"'<>|,;)%]+)"
)
SHARE = re.compile(
    r"(?i)(?<![\w\\])(?P<slashes>\\{2,4})(?P<host>[a-z0-9][\w.-]{0,62})(?P<folder>\\{1,2}(?:users|homes?|profiles)\$?\\{1,2})"
    r"(?P<name>[^\s\\/:\"'<>|,;)]+)"
)
"""A home folder on a server of the network around: `\\\\nas\\users\\bob`."""
OPTION_AHEAD = re.compile(r"(?<!-)--(?:[a-z]+-){0,2}$|\b(?:ENV|setx)[ \t]+\w*$")
NOBODY = re.compile(
    r"(?i)runner(?:admin)?|ubuntu|root|app|node|users?|jenkins|vagrant|circleci|vscode|public|shared|default|admin|"
    r"administrator|builder?|ec2-user|git|docker|debian|centos|containeradministrator|gitpod|codespace|"
    r"user-[0-9a-f]{4}|[$%{~*.].*"
)
"""Accounts of machines and images, and our pseudonyms: nobody's name."""
VERSION = re.compile(r"[^\s/\\@]*")
PSEUDONYM = re.compile(r"SECRET_[0-9a-f]{8}|user-[0-9a-f]{4}@mail\.example|(?:user|host)-[0-9a-f]{4}")
TELLING = re.compile(r"(?=.*\d)\S{8,}|\S+@\S+|\S+\.\S+", re.DOTALL)
"""Values that mean the same wherever they stand, and are no words of everybody's; people's names are as well."""
T = TypeVar("T", bound=msgspec.Struct)


class Scrubber:
    """Scrubs texts and records; `key` decides the pseudonyms."""

    def __init__(self, key: str = "") -> None:
        self._key = hashlib.sha256(b"scantune pseudonym" + key.encode()).digest()
        self._values: dict[str, set[str]] = {}
        self.text: Callable[[str], str] = lru_cache(maxsize=16384)(self._text)
        self._token_after: Callable[[str, bool], str] = lru_cache(maxsize=65536)(self._known)
        self.version: Callable[[str], str] = lru_cache(maxsize=16384)(self._without_secrets)

    def record(self, record: T) -> T:
        """The record with every text of it scrubbed, whatever field it stands in."""
        return msgspec.convert(self.data(msgspec.to_builtins(record)), type(record))

    def data(self, value: object) -> object:
        """The same for plain JSON data; texts of fields that hold versions can't be addresses.

        What was found in one text is replaced in all others too, where nothing may tell that it is private.
        """
        seen: set[str] = set()
        clean = self._walk(value, "", seen)
        telling = {known: name for name in seen for known in self._values.get(name, ()) if _tells(known, name)}
        return _replaced(clean, telling) if telling else clean

    def _walk(self, value: object, name: str, seen: set[str]) -> object:
        if isinstance(value, str):
            clean = self.version(value) if "version" in name and VERSION.fullmatch(value) else self.text(value)
            if clean != value:
                seen.update(PSEUDONYM.findall(clean))
            return clean
        if isinstance(value, dict):
            return {key: self._walk(each, str(key), seen) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._walk(each, name, seen) for each in value]
        return value

    def pseudonym(self, kind: Kind, value: str) -> str:
        """The pseudonym of a value; letter case plays no part, but for secrets."""
        known = value if kind == "secret" else value.casefold()
        digest = hmac.digest(self._key, f"{kind} {known}".encode("utf-8", "surrogatepass"), "sha256").hex()
        shape, length = _SHAPES[kind]
        name = shape.format(digest[:length])
        self._values.setdefault(name, set()).add(value)
        return name

    def _text(self, text: str) -> str:
        text = self._without_secrets(text)
        low = text.lower()
        if "/home/" in low or "users" in low or "%2fhome" in low or "~" in low or "documents and" in low:
            text = HOME.sub(self._home, text)
        if "\\\\" in text:
            text = SHARE.sub(self._share, text)
        return hosts.replace(text, low, self.pseudonym)

    def _without_secrets(self, text: str) -> str:
        if len(text) < 6:
            return text
        if "PRIVATE KEY" in text:
            text = PRIVATE_KEY.sub(self._key_block, text)
        if "@" in text or "%40" in text:
            text = PASSWORD_IN_URL.sub(self._login, text)
            text = EMAIL.sub(self._mail, text)
        low = text.lower()
        if commands.may_hold(low):
            text = commands.IN_COMMAND.sub(self._in_command, text)
            low = text.lower()
        return TOKEN.sub(self._token, self._without_named(text, low))

    def _without_named(self, text: str, low: str) -> str:
        """Looks for values only where one of `NAMES` stands: searching the whole text for all is ten times slower."""
        starts = sorted(each for name in NAMES if name in low for each in _places(low, name))
        pieces, end = [], 0
        for start in starts:
            found = _named_at(text, start) if start >= end else None
            if found:
                pieces += [text[end:start], self._named(found)]
                end = found.end()
        return "".join([*pieces, text[end:]]) if pieces else text

    def _key_block(self, found: re.Match[str]) -> str:
        return self.pseudonym("secret", found[0])

    def _token(self, found: re.Match[str]) -> str:
        before = found.string[max(0, found.start() - 24) : found.start()]
        return self._token_after(found[0], bool(AFTER_DIGEST.search(before)))

    def _known(self, token: str, after_digest: bool) -> str:
        token = PREFIXED.sub(lambda found: self.pseudonym("secret", found[0]), token)
        return LONG.sub(lambda found: self._long(found, after_digest), token)

    def _login(self, found: re.Match[str]) -> str:
        name, word = found[1], found[2]
        if word.startswith(("SECRET_", "$", "{", "<", "***")):
            return found[0]
        return f"{self.pseudonym('user', name) if name else ''}:{self.pseudonym('secret', word)}@"

    def _mail(self, found: re.Match[str]) -> str:
        name, _, domain = found[0].replace("%40", "@").rpartition("@")
        nobody = re.fullmatch(r"git|SECRET_[0-9a-f]{8}", name) or NOWHERE.search(domain)
        return found[0] if nobody else self.pseudonym("mail", f"{name}@{domain}")

    def _named(self, found: re.Match[str]) -> str:
        value = found["quoted"] or found["bare"]
        if not is_value(value, quoted=found["quoted"] is not None):
            return found[0]
        quote = found["quote"] or ""
        return f"{found['name']}{quote}{self.pseudonym('secret', value)}{quote}"

    def _in_command(self, found: re.Match[str]) -> str:
        value = found["value"]
        if not commands.is_password(value):
            return found[0]
        return f"{found['lead']}{found['quote']}{self.pseudonym('secret', value)}"

    def _long(self, found: re.Match[str], after_digest: bool) -> str:
        digest = AFTER_DIGEST.search(found.string[: found.start()]) or (after_digest and not found.start())
        return found[0] if digest or not looks_random(found[0]) else self.pseudonym("secret", found[0])

    def _home(self, found: re.Match[str]) -> str:
        name = found["name"]
        return found[0] if NOBODY.fullmatch(name) else found["home"] + self.pseudonym("user", name)

    def _share(self, found: re.Match[str]) -> str:
        host = found["host"] if PSEUDONYM.match(found["host"]) else self.pseudonym("host", found["host"])
        name = found["name"] if NOBODY.fullmatch(found["name"]) else self.pseudonym("user", found["name"])
        return f"{found['slashes']}{host}{found['folder']}{name}"


def _named_at(text: str, start: int) -> re.Match[str] | None:
    before = text[max(0, start - 24) : start]
    if text[start] in "kK" and not KEY.search(before):
        return None
    return NAMED.match(text, start) or (OPTION.match(text, start) if OPTION_AHEAD.search(before) else None)


def _places(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + len(word))


def _tells(known: str, name: str) -> bool:
    return TELLING.fullmatch(known) is not None or (name.startswith("user-") and len(known) >= 5)


def _replaced(value: object, names: Mapping[str, str]) -> object:
    """JSON data with every whole occurrence of a key of `names` replaced."""
    if isinstance(value, str):
        for known, name in names.items():
            if known in value:
                value = re.sub(rf"(?<![A-Za-z0-9]){re.escape(known)}(?![A-Za-z0-9])", name, value)
        return value
    if isinstance(value, dict):
        return {key: _replaced(each, names) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(each, names) for each in value]
    return value
