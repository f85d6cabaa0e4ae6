"""Package ecosystems, by purl type: how to raise a package to a version, and how to see which one is installed.

Sources: the manuals of the package managers; the types are those of the purl specification's type list.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import msgspec

from handlers.knowledge.commands import fill


class Ecosystem(msgspec.Struct, frozen=True):
    """Command templates with `{name}` and `{version}`; empty where the manager has no such command."""

    title: str  # "npm", "Debian package"
    upgrade: str
    latest: str  # for when no fixed version is known
    installed: str
    pin: str = ""  # what to write into the manifest when another package pulls this one in


_GRADLE = Ecosystem(
    "Gradle dependency",
    "./gradlew dependencies --update-locks {name}",
    "./gradlew dependencies --update-locks {name}",
    "./gradlew dependencyInsight --configuration runtimeClasspath --dependency {name}",
    'constraints {{ implementation("{name}:{version}") }}',
)
_YARN = Ecosystem(
    "npm package",
    "yarn up {name}@{version}",
    "yarn up {name}",
    "yarn why {name}",
    '"resolutions": {{ "{name}": "{version}" }}',
)
_PNPM = Ecosystem(
    "npm package",
    "pnpm update {name}@{version}",
    "pnpm update --latest {name}",
    "pnpm why {name}",
    '"pnpm": {{ "overrides": {{ "{name}": "{version}" }} }}',
)

ECOSYSTEMS = {
    "npm": Ecosystem(
        "npm package",
        "npm install {name}@{version}",
        "npm update {name}",
        "npm ls {name}",
        '"overrides": {{ "{name}": "{version}" }}',
    ),
    "pypi": Ecosystem(
        "Python package",
        "python -m pip install --upgrade {name}=={version}",
        "python -m pip install --upgrade {name}",
        "python -m pip show {name}",
    ),
    "maven": Ecosystem(
        "Maven artifact",
        "mvn versions:use-dep-version -Dincludes={name} -DdepVersion={version}",
        "mvn versions:use-latest-releases -Dincludes={name}",
        "mvn dependency:tree -Dincludes={name}",
    ),
    "golang": Ecosystem("Go module", "go get {name}@{version}", "go get -u {name}", "go list -m {name}"),
    "cargo": Ecosystem(
        "crate", "cargo update -p {name} --precise {version}", "cargo update -p {name}", "cargo tree -i {name}"
    ),
    "gem": Ecosystem(
        "gem", "", "bundle update --conservative {name}", "bundle info {name}", 'gem "{name}", ">= {version}"'
    ),
    "composer": Ecosystem(
        "Composer package",
        "composer require {name}:{version} --with-all-dependencies",
        "composer update {name} --with-all-dependencies",
        "composer show {name}",
    ),
    "nuget": Ecosystem(
        "NuGet package",
        "dotnet add package {name} --version {version}",
        "dotnet add package {name}",
        "dotnet list package --include-transitive",
    ),
    "deb": Ecosystem(
        "Debian package",
        "",  # archives drop superseded versions, so that asking for one by name soon fails
        "apt-get update && apt-get install --only-upgrade {name}",
        "dpkg-query -W {name}",
    ),
    "rpm": Ecosystem("RPM package", "dnf upgrade {name}-{version}", "dnf upgrade {name}", "rpm -q {name}"),
    "apk": Ecosystem(
        "Alpine package", "apk add --upgrade {name}={version}", "apk add --upgrade {name}", "apk info -v {name}"
    ),
    "alpm": Ecosystem("Arch package", "", "pacman -Syu {name}", "pacman -Q {name}"),
    "hex": Ecosystem("Hex package", "", "mix deps.update {name}", "mix deps.tree"),
    "pub": Ecosystem("Dart package", "dart pub add {name}:{version}", "dart pub upgrade {name}", "dart pub deps"),
    "conda": Ecosystem("conda package", "conda install {name}={version}", "conda update {name}", "conda list {name}"),
    "cocoapods": Ecosystem("pod", "", "pod update {name}", "pod outdated"),
    "swift": Ecosystem("Swift package", "", "swift package update {name}", "swift package show-dependencies"),
}
"""By purl type."""

_ALIASES = {
    "go": "golang", "gomod": "golang", "gobinary": "golang", "crates.io": "cargo", "rust": "cargo",
    "rust-crate": "cargo",
    "rubygems": "gem", "ruby": "gem", "packagist": "composer", "php": "composer", "node": "npm", "node-pkg": "npm",
    "javascript": "npm", "nodejs": "npm", "python": "pypi", "pip": "pypi", "python-pkg": "pypi", "java": "maven",
    "jar": "maven", "java-archive": "maven", "pom": "maven", "gradle": "maven", "dotnet": "nuget", "debian": "deb",
    "ubuntu": "deb", "dpkg": "deb", "alpine": "apk", "redhat": "rpm", "centos": "rpm", "rocky": "rpm", "fedora": "rpm",
    "amazon": "rpm", "suse": "rpm", "oracle": "rpm", "erlang": "hex", "dart": "pub",
}  # fmt: skip

_BY_MANIFEST = {"yarn.lock": _YARN, "pnpm-lock.yaml": _PNPM, "gradle.lockfile": _GRADLE, "build.gradle": _GRADLE,
                "build.gradle.kts": _GRADLE, "libs.versions.toml": _GRADLE}  # fmt: skip


_TELLING = (
    (re.compile(r"ubuntu|[+~]deb\d|-\d+deb\d"), "deb"),
    (re.compile(r"\.(el|fc|amzn|module_el)\d"), "rpm"),
    (re.compile(r"-r\d+$"), "apk"),
)
"""Version suffixes that only one family of distributions writes."""


def guess_ecosystem(version: str | None, path: str | None) -> str | None:
    """The purl type that an unlabelled package must have, by its version's suffix or the archive it lies in."""
    telling = (kind for pattern, kind in _TELLING if version and pattern.search(version))
    return next(telling, "maven" if PurePosixPath(path or "").suffix in (".jar", ".war") else None)


def find_ecosystem(kind: str | None, manifest: str | None = None) -> Ecosystem | None:
    """The ecosystem of a purl type or of one of the names that scanners use; `manifest` decides between managers."""
    lowered = (kind or "").lower().split(":")[0]
    found = ECOSYSTEMS.get(_ALIASES.get(lowered, lowered))
    if found is None:
        return None
    special = _BY_MANIFEST.get(PurePosixPath(manifest or "").name)
    return special if special and special.title.split()[0] in (found.title.split()[0], "Gradle") else found


def upgrade_command(ecosystem: Ecosystem, name: str, version: str | None) -> str | None:
    """The command that brings `name` to `version`, or to the newest where no version is known."""
    if version and ecosystem.upgrade:
        return fill(ecosystem.upgrade, name=name, version=_go_style(ecosystem, version))
    return fill(ecosystem.latest, name=name)


def pin_line(ecosystem: Ecosystem, name: str, version: str | None) -> str | None:
    """What holds a package at `version` although another one asks for it; None where the manager has no such line."""
    return fill(ecosystem.pin, name=name, version=version) if ecosystem.pin else None


def installed_command(ecosystem: Ecosystem, name: str) -> str | None:
    """The command that shows which version of a package is installed, None if the ecosystem has none."""
    return fill(ecosystem.installed, name=name)


def _go_style(ecosystem: Ecosystem, version: str) -> str:
    return f"v{version}" if ecosystem.title == "Go module" and version[:1].isdigit() else version
