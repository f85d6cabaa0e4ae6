"""Made-up credentials in the forms of commands, files and links. Nothing here was ever valid anywhere."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator

from tests.handlers.privacy.canaries import DIGITS, HEX, WORD, Kind, _jwt, _mixed, _name, _some, _within

BASE64 = WORD + "+/"


def _wrapped(text: str, width: int) -> str:
    return "\n".join(text[at : at + width] for at in range(0, len(text), width))


def _token_on_lines(chance: random.Random) -> tuple[str, str]:
    head, body, seal = _jwt(chance).split(".")
    return body, chance.choice(
        (f"{head}.\n{body}.\n{seal}", f"{head}\n.{body}\n.{seal}", f"{head}.\\n{body}.\\n{seal}")
    )


def _wrapped_token(chance: random.Random) -> tuple[str, str]:
    token = _wrapped(_jwt(chance), 40)
    return token.splitlines()[1], token


def _key_in_a_line(chance: random.Random) -> tuple[str, str]:
    body, kind = _mixed(chance, 256, BASE64), chance.choice(("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "))
    gap = chance.choice(("", " ", "\\n", "\\r\\n"))
    return body, f"-----BEGIN {kind}PRIVATE KEY-----{gap}{body}{gap}-----END {kind}PRIVATE KEY-----"


def _basic(chance: random.Random) -> tuple[str, str]:
    value = base64.b64encode(f"{_name(chance)}:{_mixed(chance, 9)}".encode()).decode()
    return value, f"Authorization: Basic {value}"


VARIANTS: dict[str, Kind] = {
    "mysql -p": lambda c: _within(_mixed(c, 9), c.choice(("mysql -u root -p{} shop", "mysqldump -uroot -p'{}' shop"))),
    "login -p": lambda c: _within(
        _mixed(c, 10), c.choice(("docker login -u svc -p {} r.io", "sshpass -p {} ssh h", 'podman login -p "{}" r.io'))
    ),
    "other options": lambda c: _within(
        _mixed(c, 10),
        c.choice(
            (
                "redis-cli -h db -a {} ping",
                "ldapsearch -x -w {} -b dc=x",
                "sqlcmd -S db -U sa -P {}",
                "openssl rsa -passin pass:{} -in k.pem",
                "mongosh -u app -p {} db",
            )
        ),
    ),
    "curl -u": lambda c: _within(
        _mixed(c, 10), c.choice(("curl -u svc:{} https://x.io/", "wget --user=a --password={} u"))
    ),
    "unc path": lambda c: _within(_name(c), c.choice((r"\\nas7\Users\{}\notes.txt", r"\\\\nas7\\home\\{}\\a.txt"))),
    "token in link": lambda c: _within(
        _mixed(c, 24), c.choice(("https://{}@git.shop.com/a.git", "https://x-token-auth:{}@h.com/"))
    ),
    "at sign in password": lambda c: _within(f"{_mixed(c, 6)}@{_mixed(c, 6)}", "amqp://svc:{}@mq.shop.com:5672/v"),
    "encoded password": lambda c: _within(f"{_mixed(c, 6)}%40{_mixed(c, 6)}", "mongodb+srv://svc:{}@db.shop.com/a"),
    "no user": lambda c: _within(_mixed(c, 12), "redis://:{}@cache.shop.com:6379/0"),
    "password in query": lambda c: _within(_mixed(c, 10), "jdbc:mysql://db.shop.com/app?user=svc&password={}&ssl=true"),
    "oracle": lambda c: _within(_mixed(c, 10), "jdbc:oracle:thin:svc/{}@//db.shop.com:1521/x"),
    "link without scheme": lambda c: _within(_mixed(c, 10), "//svc:{}@registry.shop.com/a"),
    "token on lines": _token_on_lines,
    "wrapped token": _wrapped_token,
    "key in a line": _key_in_a_line,
    "azure storage": lambda c: _within(
        _mixed(c, 86, BASE64) + "==", "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={};EndpointSuffix=x"
    ),
    "azure bus": lambda c: _within(
        _mixed(c, 43, BASE64) + "=", "Endpoint=sb://x.net/;SharedAccessKeyName=a;SharedAccessKey={}"
    ),
    "azure signature": lambda c: _within(_mixed(c, 43) + "%3D", "https://s.blob.x.net/c?sv=2022&sr=c&sp=rl&sig={}"),
    "azure client": lambda c: _within(f"{_mixed(c, 3)}8Q~{_mixed(c, 34)}", "AZURE_CLIENT_SECRET {}"),
    "google client": lambda c: _within(f"GOCSPX-{_mixed(c, 28)}", "client {}"),
    "google refresh": lambda c: _within(f"1//0{_mixed(c, 60)}", "refresh {}"),
    "slack hook": lambda c: _within(
        f"T{_some(c, '0123456789ABCDEF', 8)}/B{_some(c, '0123456789ABCDEF', 8)}/{_mixed(c, 24)}",
        "https://hooks.slack.com/services/{}",
    ),
    "stripe": lambda c: _within(f"{c.choice(('rk_live_', 'sk_test_', 'whsec_'))}{_mixed(c, 32)}", "stripe {}"),
    "npmrc": lambda c: _within(
        c.choice((f"npm_{_mixed(c, 36)}", "-".join(_some(c, HEX, each) for each in (8, 4, 4, 4, 12)))),
        "//registry.npmjs.org/:_authToken={}",
    ),
    "pypi": lambda c: _within(f"pypi-AgEIcHlwaS5vcmc{_mixed(c, 80)}", "TWINE {}"),
    "netrc": lambda c: _within(_mixed(c, 10), "machine h.com login svc password {}"),
    "docker env": lambda c: _within(_mixed(c, 10), "ENV MYSQL_ROOT_PASSWORD {}"),
    "basic": _basic,
    "xml value": lambda c: _within(
        _mixed(c, 10), c.choice(('<add key="DbPassword" value="{}"/>', "<property name='password' value='{}'/>"))
    ),
    "password hash": lambda c: _within(
        c.choice(
            (f"$2b$12${_mixed(c, 53)}", f"$6${_mixed(c, 8)}${_mixed(c, 86)}", f"$apr1${_mixed(c, 8)}${_mixed(c, 22)}")
        ),
        "svc:{}",
    ),
    "java property": lambda c: _within(_mixed(c, 10), "java -Dspring.datasource.password={} -jar a.jar"),
    "short password": lambda c: _within(_some(c, DIGITS, 4) + "Ab!", "password={}"),
}


def variants(each: int, seed: int = 3) -> Iterator[tuple[str, str, str]]:
    """(kind, value, text that carries it), `each` of every kind."""
    chance = random.Random(seed)
    for kind, make in VARIANTS.items():
        for _ in range(each):
            yield (kind, *make(chance))
