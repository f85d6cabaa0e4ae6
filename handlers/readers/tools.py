"""Scanners by name: one spelling for each, and what kind of problem it looks for where its report does not say."""

from __future__ import annotations

import functools
import re

from handlers.records import Class

NAMES = (
    (re.compile(pattern), name)
    for pattern, name in (
        (r"semgrep|opengrep", "semgrep"),
        (r"codeql|lgtm\.com", "codeql"),
        (r"trivy", "trivy"),
        (r"osv-?scanner", "osv-scanner"),
        (r"snyk", "snyk"),
        (r"\bzap\b|zed attack proxy", "zap"),
        (r"dependency-check", "dependency-check"),
        (r"checkov", "checkov"),
        (r"gitleaks", "gitleaks"),
        (r"grype", "grype"),
        (r"kics", "kics"),
        (r"bandit", "bandit"),
        (r"gosec", "gosec"),
        (r"eslint", "eslint"),
        (r"psalm", "psalm"),
        (r"nuclei", "nuclei"),
        (r"spotbugs|findsecbugs", "spotbugs"),
    )
)
SPELLINGS = tuple(NAMES)

CLASSES: dict[str, Class] = {
    **dict.fromkeys(
        ("trivy", "osv-scanner", "grype", "dependency-check", "npm audit", "pip-audit", "govulncheck", "retire.js"),
        "vulnerability",
    ),
    **dict.fromkeys(("gitleaks", "trufflehog", "trufflehog3", "detect-secrets", "talisman", "ggshield"), "secret"),
    **dict.fromkeys(
        ("checkov", "kics", "tfsec", "terrascan", "kubescape", "kube-bench", "cfn-lint", "hadolint", "zizmor",
         "actionlint", "prowler", "kube-linter", "scorecard", "tflint", "regula", "polaris", "cfn-nag"),
        "misconfiguration",
    ),
    **dict.fromkeys(("zap", "nuclei", "burp", "nikto", "wapiti", "stackhawk"), "dast"),
    **dict.fromkeys(
        ("eslint", "pylint", "ruff", "detekt", "shellcheck", "ktlint", "pmd", "rubocop", "golangci-lint", "clippy",
         "mypy", "swiftlint", "checkstyle", "phpstan"),
        "quality",
    ),
}  # fmt: skip

TAGS: tuple[tuple[re.Pattern[str], Class], ...] = (
    (re.compile(r"secrets?|credentials?"), "secret"),
    (re.compile(r"vulnerabilit(y|ies)|sca|package-?vulnerability"), "vulnerability"),
    (re.compile(r"misconfigurations?|iac|infrastructure"), "misconfiguration"),
    (re.compile(r"licen[cs]es?"), "licence"),
)


@functools.lru_cache(maxsize=1024)
def canonical(name: str | None) -> str:
    """`Semgrep OSS` -> `semgrep`; `unknown` for no name."""
    plain = (name or "").strip().lower()
    return next((short for pattern, short in SPELLINGS if pattern.search(plain)), plain) or "unknown"


def class_of(tool: str, tags: tuple[str, ...] = ()) -> Class:
    """What a finding is, from its rule's tags, else from the tool."""
    for tag in tags:
        for pattern, found in TAGS:
            if pattern.fullmatch(tag.lower()):
                return found
    return CLASSES.get(tool, "code")
