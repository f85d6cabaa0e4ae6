"""Upgrade commands, scanner commands, version comparison."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.knowledge.commands import fill
from handlers.knowledge.ecosystems import (
    ECOSYSTEMS,
    find_ecosystem,
    guess_ecosystem,
    installed_command,
    pin_line,
    upgrade_command,
)
from handlers.knowledge.scanners import rescan_command
from handlers.knowledge.versions import smallest_fix


@pytest.mark.parametrize(
    ("kind", "manifest", "name", "version", "command"),
    [
        ("npm", "package-lock.json", "lodash", "4.17.21", "npm install lodash@4.17.21"),
        ("npm", "web/yarn.lock", "@babel/core", "7.1.0", "yarn up @babel/core@7.1.0"),
        ("npm", "pnpm-lock.yaml", "lodash", "4.17.21", "pnpm update lodash@4.17.21"),
        ("PyPI", None, "jinja2", "3.1.4", "python -m pip install --upgrade jinja2==3.1.4"),
        ("Maven", "pom.xml", "a.b:c", "1.2", "mvn versions:use-dep-version -Dincludes=a.b:c -DdepVersion=1.2"),
        ("maven", "app/gradle.lockfile", "a.b:c", "1.2", "./gradlew dependencies --update-locks a.b:c"),
        ("Go", "go.mod", "golang.org/x/net", "0.17.0", "go get golang.org/x/net@v0.17.0"),
        ("crates.io", None, "time", "0.2.23", "cargo update -p time --precise 0.2.23"),
        ("RubyGems", None, "rack", "2.2.8", "bundle update --conservative rack"),
        ("Packagist", None, "a/b", "1.0.1", "composer require a/b:1.0.1 --with-all-dependencies"),
        ("nuget", None, "Newtonsoft.Json", "13.0.1", "dotnet add package Newtonsoft.Json --version 13.0.1"),
        ("Debian:11", None, "curl", "7.74", "apt-get update && apt-get install --only-upgrade curl"),
        ("rpm", None, "openssl", "1.1.1k", "dnf upgrade openssl-1.1.1k"),
        ("Alpine:v3.18", None, "busybox", "1.36.1-r1", "apk add --upgrade busybox=1.36.1-r1"),
    ],
)
def test_the_upgrade_command(kind: str, manifest: str | None, name: str, version: str, command: str) -> None:
    ecosystem = find_ecosystem(kind, manifest)
    assert ecosystem is not None
    assert upgrade_command(ecosystem, name, version) == command


def test_every_ecosystem_tells_how_to_raise_and_how_to_look() -> None:
    for each in ECOSYSTEMS.values():
        assert upgrade_command(each, "name", None)
        assert installed_command(each, "name")


def test_a_transitive_copy_is_pinned() -> None:
    gradle = find_ecosystem("maven", "gradle.lockfile")
    assert gradle is not None
    assert pin_line(gradle, "a.b:c", "1.2") == 'constraints { implementation("a.b:c:1.2") }'


@pytest.mark.parametrize("kind", [None, "", "generic", "no such thing"])
def test_an_unknown_ecosystem_is_none(kind: str | None) -> None:
    assert find_ecosystem(kind) is None


@pytest.mark.parametrize(
    ("version", "path", "kind"),
    [
        ("9.4-3ubuntu6", "owner/image", "deb"),
        ("2.2.12-1+deb10u1", None, "deb"),
        ("0.7-20.el8", None, "rpm"),
        ("1.36.1-r1", None, "apk"),
        ("4.1.106.Final", "app/app.jar", "maven"),
        ("1.2.3", "package-lock.json", None),
        (None, None, None),
    ],
)
def test_an_unlabelled_package(version: str | None, path: str | None, kind: str | None) -> None:
    assert guess_ecosystem(version, path) == kind


@pytest.mark.parametrize(
    "word", ["a;b", "$(id)", "`id`", "a|b", "-rf", "a\nb", "a'b", 'a"b', "~root", "", "a&b", "x" * 301]
)
def test_a_word_that_could_do_harm_gives_no_command(word: str) -> None:
    assert fill("npm install {name}", name=word) is None


@given(st.text())
def test_a_filled_word_stays_one_argument(word: str) -> None:
    command = fill("npm install {name}", name=word)
    assert command is None or shlex.split(command) == ["npm", "install", word]


def test_the_scanner_is_asked_again_about_rule_and_place() -> None:
    command = rescan_command("checkov", rule="CKV2_GHA_1", path=".github/workflows/a b.yml")
    assert command == "checkov --file '.github/workflows/a b.yml' --check CKV2_GHA_1"
    registered = "python.lang.security.audit.eval-detected.eval-detected"
    assert rescan_command("semgrep", rule=registered, path="x.py") == f"semgrep scan --config r/{registered} x.py"
    assert rescan_command("semgrep", rule="our-rules.a.b", path="x.py") is None  # no registry has it
    assert rescan_command("bandit", rule="blacklist:B303", path="x.py") == "bandit -t B303 x.py"
    assert rescan_command("trivy", image="a/b:1") == "trivy image a/b:1"
    assert rescan_command("no such scanner", path="x") is None


@pytest.mark.parametrize(
    ("ecosystem", "installed", "fixed", "target"),
    [
        ("maven", "4.1.106.Final", ("4.2.4.Final", "4.1.124.Final"), "4.1.124.Final"),
        ("npm", "1.9.0", ("1.10.0", "2.0.0"), "1.10.0"),
        ("pypi", "2.0", ("1.9.1", "2.0.1", "3.0"), "2.0.1"),
        ("deb", "8.5.0-2ubuntu10.6", ("8.5.0-2ubuntu10.10", "8.5.0-2ubuntu10.7"), "8.5.0-2ubuntu10.7"),
        ("npm", "3.0.0", ("1.0.1", "2.0.1"), None),
        ("npm", None, ("1.0.1",), "1.0.1"),
        ("npm", None, ("1.0.1", "2.0.1"), None),
        (None, "1.0", ("1.1", "2.0"), None),
        (None, "1.0", ("1.1",), "1.1"),
        ("npm", "not a version", ("1.0.1", "2.0.1"), None),
        ("npm", "1.0.0", (), None),
    ],
)
def test_the_smallest_fixed_version_above_the_installed_one(
    ecosystem: str | None, installed: str | None, fixed: tuple[str, ...], target: str | None
) -> None:
    assert smallest_fix(ecosystem, installed, fixed) == target
