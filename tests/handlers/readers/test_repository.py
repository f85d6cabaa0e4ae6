"""Which repository a report says that it is of: only what it says itself, in one spelling, without passwords."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.readers import Limits, read_bytes, read_report
from handlers.readers.identifiers import repository
from tests.handlers.readers.corpus import MISSING, SHARED

name = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,12}", fullmatch=True).filter(
    lambda each: each not in ("security", "blob", "tree", "commit")
)
host = st.from_regex(r"[a-z][a-z0-9]{1,8}\.(com|org|internal)", fullmatch=True).filter(lambda each: "www" not in each)


@given(host, name, name, st.sampled_from(["", ".git", "/", ".git/"]))
def test_one_spelling_for_all(where: str, owner: str, title: str, end: str) -> None:
    spellings = [
        f"{where}/{owner}/{title}",
        f"https://{where}/{owner}/{title}{end}",
        f"HTTPS://{where.upper()}/{owner}/{title.upper()}",
        f"https://bot:gh-s3cr3t@{where}:8443/{owner}/{title}{end}",
        f"git@{where}:{owner}/{title}{end}",
        f"ssh://git@{where}:22/{owner}/{title}{end}",
        f"git+https://{where}/{owner}/{title}{end}#main",
        f"https://{where}/{owner}/{title}/blob/main/src/a.py?plain=1#L3",
        f"https://{where}/{owner}/{title}/security/dependabot/17",
        f"https://{where}/api/v3/repos/{owner}/{title}",
    ]
    assert {repository(each) for each in spellings} == {f"{where}/{owner}/{title}"}


@given(st.text(max_size=60))
def test_any_text_gives_a_plain_name_or_none(text: str) -> None:
    named = repository(text)
    assert named is None or (repository(named) == named and named.isprintable() and not set(named) & set("@?#\\:"))


@pytest.mark.parametrize(
    "text",
    [None, "", ".", "./app", "/home/bob/app", "C:\\Users\\bob\\app", "C:/Users/bob/app", "file:///srv/app", "app",
     "https://github.com", "fixtures/repo/npm", "a/../b/c", "data:text/html,<b>x</b>", "javascript://x/y/z"],
)  # fmt: skip
def test_folders_and_the_rest_are_none(text: str | None) -> None:
    assert repository(text) is None


def sarif(*uris: object, results: int = 1) -> dict[str, Any]:
    run = {
        "tool": {"driver": {"name": "T"}},
        "versionControlProvenance": [{"repositoryUri": each} for each in uris],
        "results": [{"ruleId": "R", "message": {"text": f"m{each}"}} for each in range(results)],
    }
    return {"version": "2.1.0", "runs": [run]}


ALERT = {"number": 1, "rule": {"id": "js/xss"}, "tool": {"name": "CodeQL"}}
FLAW = {"Results": [{"Target": "a", "Vulnerabilities": [{"VulnerabilityID": "CVE-2020-1", "PkgName": "p"}]}]}
CASES = [
    (sarif("https://u:p@git.example.org/o/r.git"), "git.example.org/o/r"),
    (sarif(None, "https://github.com/o/second"), "github.com/o/second"),
    (sarif(7, {"a": 1}), None),
    (sarif(), None),
    (ALERT | {"html_url": "https://github.com/O/R/security/code-scanning/1"}, "github.com/o/r"),
    ([[ALERT | {"repository": {"full_name": "o/r"}}]], "o/r"),
    ({"alert": ALERT, "repository": {"html_url": "https://github.com/o/r"}}, "github.com/o/r"),
    (FLAW | {"ArtifactName": "https://github.com/o/r", "ArtifactType": "repository"}, "github.com/o/r"),
    (FLAW | {"ArtifactName": "library/nginx", "ArtifactType": "container_image"}, None),
    ({"tool": "t", "repository": "o/r", "findings": [{"title": "T", "severity": "low", "path": "a"}]}, "o/r"),
    ([{"title": "T", "severity": "low", "path": "a", "repository": "git@h.example:o/r.git"}], "h.example/o/r"),
]


@pytest.mark.parametrize(("report", "wanted"), CASES)
def test_what_a_report_says(report: object, wanted: str | None) -> None:
    assert {each.repository for each in read_bytes(json.dumps(report).encode(), Limits()).findings} == {wanted}


def test_runs_and_alerts_of_several_repositories_stay_apart() -> None:
    first, second = sarif("https://github.com/o/a"), sarif()
    log = {"version": "2.1.0", "runs": [*first["runs"], *second["runs"]]}
    log["runs"][1]["results"][0]["ruleId"] = "S"
    assert {each.repository for each in read_bytes(json.dumps(log).encode(), Limits()).findings} == {
        "github.com/o/a",
        None,
    }
    alerts = [
        ALERT | {"number": each, "rule": {"id": f"r{each}"}, "html_url": f"https://github.com/o/{each}/x/y"}
        for each in "ab"
    ]
    assert len({each.repository for each in read_bytes(json.dumps(alerts).encode(), Limits()).findings}) == 2


def test_a_large_log_says_the_same() -> None:
    log = sarif("https://github.com/o/r", results=30_000)
    log["runs"][0]["tool"]["driver"]["rules"] = [{"id": "R", "shortDescription": {"text": "told"}}]
    content = json.dumps(log).encode()
    assert len(content) > 1_000_000
    assert Counter(each.repository for each in read_bytes(content, Limits()).findings) == {"github.com/o/r": 30_000}


@pytest.mark.skipif(not (SHARED / "artifacts").is_dir(), reason=MISSING)
@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("sarif/bash-report.sarif", "github.com/damiencarol/django-defectdojo"),
        ("github_sast/github_sast_many_vul.json", "github.com/owasp/test-repository"),
        ("github_webhook/fixed.payload.json", "github.com/codertocat/hello-world"),
        ("trivy/scb__securecodebox-repo.json", "github.com/securecodebox/securecodebox"),
        ("trufflehog/v3_git.json", "github.com/trufflesecurity/test_keys"),
        ("trivy/npm.json", None),
    ],
)
def test_real_reports(file: str, wanted: str | None) -> None:
    found = read_report(SHARED / "artifacts" / file, Limits()).findings
    assert found
    assert {each.repository for each in found} == {wanted}
