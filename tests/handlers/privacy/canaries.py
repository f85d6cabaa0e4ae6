"""Made-up private values of 25 kinds, and harmless texts that look like them. Nothing here was ever valid anywhere."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable, Iterator

LETTERS, DIGITS, HEX = string.ascii_letters, string.digits, "0123456789abcdef"
WORD = LETTERS + DIGITS
NAMES = ["alba", "brunhild", "corvin", "delphine", "erwin", "fenja", "gustavo", "hedda", "ilja", "jorinde", "kasimir"]
INSIDE = ["corp.local", "internal", "lan", "intra.firm.com", "compute.internal"]


def _some(chance: random.Random, alphabet: str, length: int) -> str:
    return "".join(chance.choice(alphabet) for _ in range(length))


def _mixed(chance: random.Random, length: int, alphabet: str = WORD) -> str:
    """A random text with each kind of character, as issuers make them."""
    while True:
        text = _some(chance, alphabet, length)
        if any(map(str.isupper, text)) and any(map(str.islower, text)) and any(map(str.isdigit, text)):
            return text


def _jwt(chance: random.Random) -> str:
    part = (
        base64.urlsafe_b64encode(b'{"sub":"' + _some(chance, DIGITS, 9).encode() + b'","adm":true}').decode().strip("=")
    )
    return f"eyJhbGciOiJIUzI1NiJ9.{part}.{_mixed(chance, 43)}"


def _name(chance: random.Random) -> str:
    return chance.choice(NAMES) + _some(chance, "bcdfgh", 3)


Kind = Callable[[random.Random], tuple[str, str]]
"""Makes (the private value, the text that carries it)."""
KINDS: dict[str, Kind] = {
    "aws key id": lambda c: _bare("AKIA" + _some(c, string.ascii_uppercase + DIGITS, 16)),
    "aws secret": lambda c: _bare(_mixed(c, 40, WORD + "+/")),
    "github": lambda c: _bare(f"gh{c.choice('pousr')}_{_mixed(c, 36)}"),
    "github fine": lambda c: _bare(f"github_pat_{_mixed(c, 22)}_{_mixed(c, 59)}"),
    "gitlab": lambda c: _bare(f"glpat-{_mixed(c, 20)}"),
    "slack": lambda c: _bare(f"xoxb-{_some(c, DIGITS, 12)}-{_some(c, DIGITS, 12)}-{_mixed(c, 24)}"),
    "stripe": lambda c: _bare(f"sk_live_{_mixed(c, 24)}"),
    "google": lambda c: _bare(f"AIza{_mixed(c, 35)}"),
    "npm": lambda c: _bare(f"npm_{_mixed(c, 36)}"),
    "hub": lambda c: _bare(f"hf_{_mixed(c, 34)}"),
    "openai": lambda c: _bare(f"sk-proj-{_mixed(c, 48)}"),
    "sendgrid": lambda c: _bare(f"SG.{_mixed(c, 22)}.{_mixed(c, 43)}"),
    "jwt": lambda c: _bare(_jwt(c)),
    "private key": lambda c: _key(_mixed(c, 64, WORD + "+/")),
    "password assigned": lambda c: _within(_mixed(c, 10), 'db_password = "{}"'),
    "api key in yaml": lambda c: _within(_some(c, HEX, 32), "api_key: {}"),
    "password in url": lambda c: _within(_mixed(c, 12), "postgres://svc:{}@db.shop.com:5432/app"),
    "bearer": lambda c: _within(_mixed(c, 32), "Authorization: Bearer {}"),
    "base64 token": lambda c: _bare(_mixed(c, 44, WORD + "-_")),
    "mail": lambda c: _bare(f"{_name(c)}.{_name(c)}@{_name(c)}.com"),
    "home": lambda c: _within(_name(c), "/home/{}/project/main.py"),
    "windows home": lambda c: _within(_name(c), r"C:\Users\{}\source\app.cs"),
    "host": lambda c: _bare(f"{_name(c)}-{c.randrange(99)}.{c.choice(INSIDE)}"),
    "private address": lambda c: _bare(f"10.{c.randrange(1, 255)}.{c.randrange(255)}.{c.randrange(1, 255)}"),
    "public address": lambda c: _within(
        f"{c.randrange(40, 99)}.{c.randrange(99, 255)}.{c.randrange(255)}.{c.randrange(1, 255)}", "server {}:8443"
    ),
}


def _bare(value: str) -> tuple[str, str]:
    return value, value


def _within(value: str, form: str) -> tuple[str, str]:
    return value, form.format(value)


def _key(body: str) -> tuple[str, str]:
    return body, f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----"


def canaries(each: int, seed: int = 1) -> Iterator[tuple[str, str, str]]:
    """(kind, value, text that carries it), `each` of every kind."""
    chance = random.Random(seed)
    for kind, make in KINDS.items():
        for _ in range(each):
            yield (kind, *make(chance))


def lookalikes(each: int, seed: int = 2) -> Iterator[str]:
    """Harmless texts, `each` of every kind."""
    c = random.Random(seed)
    number = c.randrange
    for _ in range(each):
        yield _some(c, HEX, c.choice([7, 12, 32, 40, 56, 64, 128]))
        yield f"sha256:{_some(c, HEX, 64)}"
        yield f"sha512-{_mixed(c, 86, WORD + '+/')}=="
        yield f"h1:{_mixed(c, 43, WORD + '+/')}="
        yield "-".join(_some(c, HEX, length) for length in (8, 4, 4, 4, 12))
        yield f"{number(20)}.{number(30)}.{number(40)}"
        yield f"v{number(9)}.{number(9)}.{number(9)}-rc.{number(9)}+build{number(900)}"
        yield f"jackson-databind 2.{number(20)}.{number(20)}.{number(9)}"
        yield f"fixed in 10.{number(20)}.{number(20)}.{number(20)}"
        yield f"1:{number(9)}.{number(40)}.{number(9)}+dfsg-{number(9)}ubuntu{number(9)}.{number(30)}"
        yield f"v0.0.0-2021{number(10, 12)}{number(10, 28)}{number(100000, 240000)}-{_some(c, HEX, 12)}"
        yield f"CVE-{number(1999, 2027)}-{number(1000, 99999)}"
        yield "GHSA-" + "-".join(_some(c, "23456789cfghjmpqrvwx", 4) for _ in range(3))
        yield f"https://github.com/advisories/GHSA-{'-'.join(_some(c, '23456789cfghjmpqrvwx', 4) for _ in range(3))}"
        yield f"CWE-{number(2000)}"
        yield f"SNYK-JS-{_some(c, string.ascii_uppercase, 9)}-{number(100000, 9999999)}"
        yield f"pkg:npm/%40{c.choice(NAMES)}/{c.choice(NAMES)}@{number(9)}.{number(30)}.{number(30)}"
        yield f"pkg:maven/org.apache.{c.choice(NAMES)}/core@2.{number(30)}.{number(9)}.{number(9)}?t=jar"
        yield f"pkg:golang/golang.org/x/{c.choice(NAMES)}@v0.{number(40)}.0"
        yield f"{c.choice(NAMES)}@{number(9)}.{number(30)}.{number(30)}"
        yield "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"
        yield f"python.lang.security.audit.{c.choice(NAMES)}-{c.choice(NAMES)}.dangerous-{c.choice(NAMES)}-use"
        yield f"src/main/java/com/shop/{c.choice(NAMES)}/Http2Abstract{c.choice(NAMES).title()}ControllerV2Test.java"
        yield f"com.sun.org.apache.{c.choice(NAMES)}.internal.Base64Decoder"
        yield f"node_modules/@{c.choice(NAMES)}/{c.choice(NAMES)}-darwin-arm64/lib/index.min.js"
        yield f"registry.example.com/{c.choice(NAMES)}:{number(9)}.{number(9)}.{number(30)}-alpine3.{number(20)}"
        yield f"/home/runner/work/{c.choice(NAMES)}/requirements.txt"
        yield f"the token is read from os.environ['{c.choice(NAMES).upper()}_TOKEN'] at 127.0.0.1:{number(1024, 9999)}"
        yield f"https://nvd.nist.gov/vuln/detail/CVE-2021-{number(1000, 50000)}"
        yield f"password: ${{{{ secrets.{c.choice(NAMES).upper()}_PASSWORD }}}}"
