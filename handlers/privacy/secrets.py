"""What a secret looks like: its issuer's own prefix, a name beside it that gives it away, or chance.

The prefixes are those that issuers document so that scanners can find leaked credentials. Digests, versions, ids and
package URLs look alike; `looks_random` knows their shapes and lets them pass.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from itertools import pairwise
from math import log2

_WORD = r"[A-Za-z0-9_-]"
_PREFIXED = (
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",  # AWS access key ids
    r"amzn\.mws\.[0-9a-f-]{36}",
    r"gh[pousr]_[A-Za-z0-9]{30,}",  # GitHub
    rf"github_pat_{_WORD}{{22,}}",
    rf"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct)-{_WORD}{{16,}}(?:\.[a-z0-9.]+)?",  # GitLab
    rf"xox[abeoprs]-{_WORD}{{10,}}",  # Slack
    rf"xapp-{_WORD}{{10,}}",
    r"(?<=hooks\.slack\.com/services/)[A-Za-z0-9/]{20,}",
    r"(?<=/IncomingWebhook/)[0-9a-f]{32}(?:/[0-9a-f-]{36})?",  # Teams
    rf"(?<=/api/webhooks/)\d{{17,20}}/{_WORD}{{50,}}",  # Discord
    rf"[MNO]{_WORD}{{23,27}}\.{_WORD}{{6,7}}\.{_WORD}{{27,}}",
    r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}",  # Stripe
    r"whsec_[A-Za-z0-9+/=]{16,}",
    rf"sk-(?={_WORD}*\d){_WORD}{{20,}}",  # OpenAI, Anthropic, OpenRouter
    rf"AIza{_WORD}{{35}}",  # Google
    rf"ya29\.{_WORD}{{20,}}",
    rf"GOCSPX-{_WORD}{{20,}}",
    rf"1//0{_WORD}{{30,}}",
    r"npm_[A-Za-z0-9]{30,}",
    rf"pypi-AgE{_WORD}{{20,}}",
    r"rubygems_[0-9a-f]{40,}",
    r"hf_[A-Za-z0-9]{30,}",
    rf"SG\.{_WORD}{{16,}}\.{_WORD}{{16,}}",  # SendGrid
    r"key-[0-9a-f]{32}",  # Mailgun
    r"[0-9a-f]{32}-us\d{1,2}",  # Mailchimp
    r"SK[0-9a-f]{32}",  # Twilio
    rf"sq0(?:atp|csp|idp)-{_WORD}{{20,}}",  # Square
    rf"EAAA{_WORD}{{56,}}",
    r"d(?:op|oo|or)_v1_[0-9a-f]{40,}",  # DigitalOcean
    rf"dckr_pat_{_WORD}{{20,}}",
    r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",  # Shopify
    rf"hv[sbr]\.{_WORD}{{20,}}",  # Vault
    rf"ATATT3x{_WORD}{{20,}}(?:=[0-9A-F]{{8}})?",  # Atlassian
    r"NRAK-[A-Z0-9]{20,}",  # New Relic
    r"dapi[0-9a-f]{32}(?:-\d)?",  # Databricks
    r"lin_api_[A-Za-z0-9]{30,}",
    r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}",
    rf"gl(?:sa|c)_{_WORD}{{32,}}",  # Grafana
    rf"(?:tfp|ntn|sbp|nfp|figd|pscale_tkn|pscale_pw|sntrys|sntryu|dp\.pt|dp\.st)[_.]{_WORD}{{20,}}",
    rf"[A-Za-z0-9]{{14}}\.atlasv1\.{_WORD}{{40,}}",  # Terraform Cloud
    r"AGE-SECRET-KEY-1[A-Z0-9]{50,}",
    rf"HRKU-{_WORD}{{30,}}",
    rf"{_WORD}{{3}}[78]Q~[A-Za-z0-9_.~-]{{31,34}}",  # Entra client secrets
    rf"\d{{8,10}}:AA{_WORD}{{32,34}}",  # Telegram
    r"AKC[a-zA-Z0-9]{20,}|AP[\dABCDEF][a-zA-Z0-9]{30,}",  # Artifactory
    rf"eyJ{_WORD}{{8,}}\.(?:eyJ)?{_WORD}{{8,}}(?:\.{_WORD}*)?",  # JSON web tokens
)
PREFIXED = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(_PREFIXED)})(?![A-Za-z0-9])")
"""Credentials whose issuer marks them."""
TOKEN = re.compile(r"[A-Za-z0-9_~+/=.:-]{16,}")
"""Runs that a credential, known or random, can stand in."""

PRIVATE_KEY = re.compile(
    r"(-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----)"
    r"(?:(?:(?!-----BEGIN).){16,16384}?-----END [A-Z0-9 ]+-----|[A-Za-z0-9+/=\s\\:,-]{16,})",
    re.DOTALL,
)
PASSWORD_IN_URL = re.compile(r"(?<=://)([^\s/:@\"'<>]{0,256}):([^\s/@\"'<>]{1,512})@")

_VALUE = r"(?:(?P<quote>\\?[\"'`])(?P<quoted>[^\"'`\n]{4,512}?)(?P=quote)|(?P<bare>[^\s\"'`,;()\[\]{}<>&]{6,}))"
_SUFFIX = r"(?:s|[_-]?(?:key|value|id|string|hash|prod|dev|test|staging|live|old|new|admin|root|user|db|env|\d+)){0,3}"
NAMES = (
    "pass",
    "kennwort",
    "contrase",
    "senha",
    "wachtwoord",
    "pwd",
    "secret",
    "token",
    "key",
    "credential",
    "authorization",
    "sess",
    "sig",
    "sid",
    "bearer",
    "basic",
)
"""Each name below begins with one of these words."""
_BETWEEN = (
    r"(?:\\?[\"'`]?[ \t]*(?::[ \t]*[&a-z][\w.<>?&]{0,30}[ \t]+=(?!=)|=>|:=|===?|=|:|\]\s*=|>|value[ \t]*=)[ \t]*"
    r"(?:[>|][+-]?\s+)?(?:(?:bearer|basic|token|digest)[ \t]+)?|"
    r"(?:\.\w{2,20})?\((?=\\?[\"'`][^\"'`\n]*\d[^\"'`\n]*\\?[\"'`]))"
)
"""An assignment, of a type or in YAML's folded form too, or a call with a text in which a digit is."""
NAMED = re.compile(
    r"(?i)(?P<name>(?:(?:pass(?:word|wort|wd|phrase|code|e)?|kennwort|contrase[nñ]a|senha|wachtwoord|pwd|secret|token|key|credential|authorization|sess(?:ion)?[_-]?id|"
    rf"session(?==[\w%.-]{{16}})|signature(?==[0-9a-fA-F]{{24}})|sig|sid){_SUFFIX}{_BETWEEN}|"
    rf"(?:bearer|basic)[ \t]+(?=[A-Za-z0-9+/=_.~-]{{16}}))){_VALUE}"
)
"""A value beside a name that says what it is: `password = "…"`, `api_key: …`, `Bearer …`."""
OPTION = re.compile(rf"(?i)(?P<name>[a-z_-]{{2,24}}[ \t]+){_VALUE}")
"""The same after the two dashes of a command's option, or Docker's ENV: `--token …`, `ENV APP_TOKEN …`."""
KEY = re.compile(r"(?i)(?:api|access|account|auth|encryption|signing|master|private|storage|subscription)[_ -]?$")
"""What must stand before `key` so that it names a secret."""

_REFERENCE = re.compile(
    r"(?i)[$%#<{\[*@].*|.*(?:environ|getenv|process\.env|secrets?\.|vars?\.|config\.|settings\.).*|"
    r"(?:x{3,}|\*{3,}|\.{3,}|none|null|nil|true|false|undefined|redacted|changeme|placeholder|required|masked).*|"
    r"SECRET_[0-9a-f]{8}.*|https?://[^@]*|v?\d+(?:[.+_-][0-9a-z]+)*|(?:CVE|CWE|GHSA)-.*|[a-z_.]+:?"
)


_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_value(text: str, quoted: bool) -> bool:
    """Whether what stands beside a telling name is a value, not a reference, a placeholder, a number or a word."""
    if _UUID.fullmatch(text):
        return True
    if quoted and re.fullmatch(r"[A-Za-z_.]+", text):
        return len(text) >= 6
    if _REFERENCE.fullmatch(text):
        return False
    if quoted:
        return " " not in text.strip() or bool(re.search(r"\d", text))
    return bool(re.search(r"[\d!$%^*+~#]", text))


LONG = re.compile(r"[A-Za-z0-9+/=_-]{20,}")
"""Runs that may be random; `looks_random` decides."""
AFTER_DIGEST = re.compile(
    r"(?i)(?:sha-?\d+|md5|h1|integrity|checksum|digest|fingerprint|hash)[\"']?[ ]?[:=][ ]?[\"']?$"
)
_HARMLESS = re.compile(
    r"SECRET_[0-9a-f]{8}|sha(?:1|224|256|384|512)[-_=][A-Za-z0-9+/=]+|(?i:(?<![a-z0-9])"
    r"(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{7,}|(?:0x|[a-z])[0-9a-f]{32,}|GHSA(?:-[0-9a-z]{4}){3}))"
    r"(?![A-Za-z0-9])|(?<=/)(?:message|thread)/(?:[A-Z2-7]{32}|[a-z0-9]{32})(?![A-Za-z0-9])"
)
"""Digests, ids and the archives' names of mails."""
_CLASSES = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=_-", "a" * 26 + "A" * 26 + "0" * 10 + " " * 5
)


@lru_cache(maxsize=65536)
def looks_random(run: str) -> bool:
    """Whether a run of 20 or more characters is random rather than written: its letters and digits change kind often.

    Of a random base-62 text 62 % of neighbours differ in kind (lower, upper, digit), of a random base-36 text 40 %; in
    names and paths every fifth does. Hexadecimal runs are digests and pass.
    """
    rest = _HARMLESS.sub(" ", run)
    kinds = rest.translate(_CLASSES)
    present = set(kinds) - {" "}
    pairs = [left != right for left, right in pairwise(kinds) if " " not in (left, right)]
    if len(pairs) < 14 or len(present) < 2 or ("0" not in present and kinds.count(" ") > 2):
        return False
    share = sum(pairs) / len(pairs)
    if len(present) == 3:
        return share >= 0.4 or (share >= 0.3 and _entropy(rest) >= 4.4)
    return share >= (0.3 if "0" in present else 0.45)


def _entropy(text: str) -> float:
    """Shannon's, in bits per character."""
    counts = Counter(text).values()
    return -sum(each / len(text) * log2(each / len(text)) for each in counts)
