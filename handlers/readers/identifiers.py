"""Names that the whole field shares, brought into one form: CWE, CVE, GHSA and other advisories, purl, paths."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from packageurl import PackageURL

from handlers.readers.node import Node
from handlers.records import Package

CWE = re.compile(r"(?:\bCWE[-_ :/]*|cwe\.mitre\.org/data/definitions/)0*([1-9]\d{0,4})\b", re.IGNORECASE)
ADVISORY = re.compile(
    r"\b(CVE-\d{4}-\d{4,}|GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}|RUSTSEC-\d{4}-\d{4}|PYSEC-\d{4}-\d+|GO-\d{4}-\d{4,}"
    r"|OSV-\d{4}-\d+|MAL-\d{4}-\d+|SNYK-[A-Z0-9]+-[A-Z0-9]+-\d+|USN-\d{3,}-\d+|DSA-\d{3,}-\d+|DLA-\d{3,}-\d+|RHSA-\d{4}:\d+)\b",
    re.IGNORECASE,
)

REPOSITORY = re.compile(r"((?:[a-z0-9-]+\.)+[a-z0-9-]+|[a-z0-9][a-z0-9-]*(?=/[^/]+$))((?:/[\w.~+ -]+){1,12})")
"""A host and a path, or an owner and a name, in lower case."""
LOCAL = re.compile(r"[a-z]:[\\/]|(?!(?:https?|ssh|git(?:\+https|\+ssh)?)://)[a-z+.-]+://")
"""A folder of Windows, or a link that git does not follow to another machine."""
INSIDE = re.compile(r"((?:/[^/]+){2,}?)/(?:-|security|code-scanning|blob|tree|commit)(?:/.*)?")
"""Links of GitHub and GitLab to what a repository holds, behind the host."""

ECOSYSTEMS = {
    "go": "golang", "gomod": "golang", "gobinary": "golang", "go-module": "golang", "go modules": "golang",
    "crates.io": "cargo", "crate": "cargo", "rust": "cargo", "rust-crate": "cargo", "rustbinary": "cargo",
    "pip": "pypi", "python": "pypi", "python-pkg": "pypi", "pipenv": "pypi", "poetry": "pypi", "uv": "pypi",
    "node": "npm", "nodejs": "npm", "node-pkg": "npm", "yarn": "npm", "pnpm": "npm", "javascript": "npm",
    "java": "maven", "jar": "maven", "pom": "maven", "gradle": "maven", "java-archive": "maven",
    "rubygems": "gem", "ruby": "gem", "bundler": "gem", "gemspec": "gem", "packagist": "composer", "php": "composer",
    "dotnet": "nuget", "dotnet-core": "nuget", "dpkg": "deb", "debian": "deb", "ubuntu": "deb", "alpine": "apk",
    "redhat": "rpm", "centos": "rpm", "rocky": "rpm", "alma": "rpm", "fedora": "rpm", "amazon": "rpm", "oracle": "rpm",
    "suse": "rpm", "opensuse": "rpm", "photon": "rpm", "github actions": "githubactions", "swifturl": "swift",
}  # fmt: skip
"""Names of ecosystems as tools write them -> purl types (github.com/package-url/purl-spec, types)."""


def cwes(value: object) -> tuple[str, ...]:
    """`CWE-79` for everything in `value` that names a CWE: 79, "79", "CWE-79: …", a link to MITRE, lists and nodes of
    such. In order, each once. 0 and words such as NVD-CWE-noinfo name none."""
    if isinstance(value, tuple) and (not value or isinstance(value[0], str)):
        return _cwes_in(value)
    return _cwes_in((value,)) if isinstance(value, str) else _each_once(value)


@functools.lru_cache(maxsize=4096)
def _cwes_in(names: tuple[object, ...]) -> tuple[str, ...]:
    """Rules name the same weaknesses again and again."""
    return _each_once(names)


def _each_once(value: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"CWE-{number}" for number in _cwe_numbers(value)))


def _cwe_numbers(value: object) -> Iterator[int]:
    if isinstance(value, Node):
        value = value.value if isinstance(value.value, str | int | list) else value.text()
    if isinstance(value, int) and not isinstance(value, bool):
        yield from (value,) if 0 < value < 100_000 else ()
    elif isinstance(value, str):
        yield from (int(digits) for digits in ([value] if value.strip().isascii() and value.strip().isdigit()
                    and 0 < int(value[:9]) < 100_000 else CWE.findall(value)))  # fmt: skip
    elif isinstance(value, Iterable) and not isinstance(value, bytes | dict):
        for each in value:
            yield from _cwe_numbers(each)


def advisory_ids(names: Iterable[str | None]) -> tuple[str, ...]:
    """Ids as the databases write them (CVE and GHSA prefixes in capitals), in order, each once."""
    return tuple(dict.fromkeys(_canonical(name.strip()) for name in names if name and name.strip()))


@functools.lru_cache(maxsize=4096)
def ids_in(*texts: str | None) -> tuple[str, ...]:
    """The advisory ids that stand somewhere in these texts."""
    return advisory_ids(each for text in texts if text for each in ADVISORY.findall(text))


def _canonical(name: str) -> str:
    if ADVISORY.fullmatch(name) is None:
        return name
    upper = name.upper()
    return f"GHSA{name[4:].lower()}" if upper.startswith("GHSA-") else upper


def ecosystem(name: str | None) -> str | None:
    """The purl type for a tool's name of an ecosystem; `Debian:12` counts as Debian."""
    if not name:
        return None
    plain = name.strip().lower().partition(":")[0]
    return ECOSYSTEMS.get(plain, plain) or None


def package(
    name: str | None,
    *,
    of: str | None = None,
    version: str | None = None,
    fixed: Iterable[str | None] = (),
    purl: str | None = None,
) -> Package | None:
    """A package from what a report says: its name, its ecosystem (`of`), versions, purl. None without name and purl."""
    parsed = _parsed(purl)
    if parsed is not None:
        joiner = ":" if parsed.type == "maven" else "/"
        name = name or (f"{parsed.namespace}{joiner}{parsed.name}" if parsed.namespace else parsed.name)
        of, version = parsed.type, version or parsed.version
    if not name:
        return None
    kept = tuple(dict.fromkeys(each.strip() for each in fixed if each and each.strip()))
    kind = ecosystem(of)
    return Package(
        name=name, ecosystem=kind, version=version, fixed_versions=kept, purl=purl or _purl(kind, name, version)
    )


def _parsed(purl: str | None) -> PackageURL | None:
    if not purl:
        return None
    try:
        return PackageURL.from_string(purl)
    except ValueError:
        return None


PURL_WITHOUT_NAMESPACE = {"npm", "pypi", "maven", "golang", "cargo", "gem", "nuget", "composer", "pub", "hex"}
"""Ecosystems in which name and version alone make a purl; those of a distribution need its name too."""


def _purl(kind: str | None, name: str, version: str | None) -> str | None:
    if kind not in PURL_WITHOUT_NAMESPACE:
        return None
    namespace, _, last = name.replace(":", "/").rpartition("/") if kind == "maven" else name.rpartition("/")
    try:
        return PackageURL(kind, namespace or None, last, version).to_string()
    except ValueError:
        return None


def clean_path(path: str | None) -> str | None:
    """A path as the report gives it, `/`-separated, without `file://` and its percent escapes."""
    if path is None:
        return None
    if path.lower().startswith("file:"):
        path = unquote(path[5:])
        path = "/" + path.lstrip("/") if path.startswith("///") or not path.startswith("//") else path
    return path.replace("\\", "/").strip() or None


@functools.lru_cache(maxsize=4096)
def repository(name: str | None) -> str | None:
    """`host/owner/name` of a repository in lower case, whichever way it is named: a link for people, for programs or
    for git, one with a password or to a file in it; `owner/name` where no host is named. None for folders and the rest.
    """
    plain = unquote(name or "").strip().lower()
    if LOCAL.match(plain):
        return None
    _, link, rest = plain.rpartition("://")
    rest = re.split(r"[?#]", rest)[0].rpartition("@")[2]
    rest = re.sub(r"^([^/:]+):\d*", r"\1", rest) if link else re.sub(r"^([^/:]+):/?", r"\1/", rest)
    rest = re.sub(r"^api\.(github\.com)/repos|^([^/]+)/api/v3/repos", r"\1\2", rest)
    found = REPOSITORY.fullmatch(rest.rstrip("/"))
    if found is None or ".." in rest.split("/"):
        return None
    inside = INSIDE.fullmatch(found[2])
    return (found[1] + (inside[1] if inside else found[2])).removesuffix(".git")
