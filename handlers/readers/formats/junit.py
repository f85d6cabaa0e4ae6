"""JUnit's XML as scanners write it (Checkov, Trivy, Dastardly, KICS, Snyk, …): https://github.com/testmoapp/junitxml.

A report of unit tests looks the same: only suites that name a scanner, or failures that name its rule, are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from handlers.readers import tools
from handlers.readers.identifiers import ids_in
from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node, XmlNode

SCANNER = re.compile(
    r"\b(checkov|trivy|dastardly|burp|zap|kics|snyk|semgrep|terrascan|tfsec|kubescape|kube-score|conftest|prowler|gosec|"
    r"grype|njsscan|mobsfscan|hadolint|dockle|nuclei|cfn-lint|inspec)\b",
    re.IGNORECASE,
)
RULE = re.compile(r"\b(CKV\d?_\w+|AVD-\w+-\d+|CVE-\d{4}-\d+|GHSA(?:-\w{4}){3}|KSV\d+|DS\d{3}|C-\d{4})\b")
QUOTED = re.compile(r"^\s*(?:Evidence|Request|Response)\s*:?\s*$", re.MULTILINE)
"""Behind this line Burp's family quotes requests and responses, which hold sessions: they are not kept."""
WORD = re.compile(r"\[(CRITICAL|HIGH|MEDIUM|LOW|INFO|UNKNOWN)\]|Severity:\s*(\w+)", re.IGNORECASE)


def _suites(root: Node) -> list[Node]:
    return root.items("testsuite") if isinstance(root, XmlNode) and root.name == "testsuites" else [root]


def claims(root: Node) -> bool:
    if not isinstance(root, XmlNode) or root.name not in ("testsuites", "testsuite"):
        return False
    suites = _suites(root)
    names = [root.text("name"), *(each.text("name") for each in suites[:20])]
    cases = [case for each in suites[:20] for case in each.items("testcase")[:5]]
    names += [each.text(key) for each in cases for key in ("name", "classname")]
    return any(SCANNER.search(name) or RULE.search(name) for name in names if name)


@reads("junit", claims, kind="xml")
def reader(root: Node, ledger: Ledger) -> Iterator[Problem]:
    suites = _suites(root)
    named = [SCANNER.search(name) for name in (root.text("name"), *(each.text("name") for each in suites)) if name]
    checkov = any("CKV" in (case.text("name") or "") for each in suites for case in each.items("testcase")[:3])
    found = next((each[1] for each in named if each), "checkov" if checkov else None)
    ledger.tool = tools.canonical(found) if found else ledger.tool
    for suite in suites:
        for case in suite.items("testcase"):
            failures = case.items("failure") + case.items("error")
            if not failures:
                ledger.skip("skipped" if "skipped" in case else "passed")
            for record in failures:
                yield _problem(record, case, suite)


def _problem(record: Node, case: Node, suite: Node) -> Problem:
    name = case.text("name") or ""
    text = QUOTED.split(record.text() or "", maxsplit=1)[0]
    rule = RULE.search(name) or RULE.search(record.text("type") or "") or RULE.search(text)
    word = WORD.search(f"{name} {record.text('type') or ''} {text}")
    place = suite.text("name") or ""
    ids = ids_in(name, record.text("message"))
    return Problem(
        record,
        "vulnerability" if ids else "dast" if "://" in place else "misconfiguration",
        title=record.text("message") or name,
        rule_id=rule[1] if rule else record.text("type") or name,
        severity=(word[1] or word[2]) if word else record.text("type"),
        ids=ids,
        description=text or None,
        path=case.text("file") or (None if "://" in place else case.text("classname")),
        line=case.integer("line"),
        url=place if "://" in place else None,
    )
