"""How to run a scanner again on one place or rule, to see that a finding is gone. Source: the tools' own manuals."""

from __future__ import annotations

import re
from collections.abc import Sequence

from handlers.knowledge.commands import fill

RESCANS: dict[str, Sequence[str]] = {
    "trivy": ("trivy image {image}", "trivy fs --scanners vuln,misconfig,secret {path}", "trivy fs ."),
    "trivy-operator": (),
    "grype": ("grype {image}", "grype dir:."),
    "osv-scanner": ("osv-scanner scan source --lockfile {path}", "osv-scanner scan source ."),
    "semgrep": ("semgrep scan --config {config} {path}",),
    "checkov": ("checkov --file {path} --check {rule}", "checkov --directory . --check {rule}"),
    "gitleaks": ("gitleaks dir --redact .",),
    "trufflehog": ("trufflehog filesystem .",),
    "detect-secrets": ("detect-secrets scan {path}",),
    "zap": ("zap-baseline.py -t {url}",),
    "bandit": ("bandit -t {code} {path}", "bandit {path}"),
    "gosec": ("gosec -include={code} ./...", "gosec ./..."),
    "hadolint": ("hadolint {path}",),
    "kics": ("kics scan -p {path}",),
    "tfsec": ("tfsec .",),
    "brakeman": ("brakeman --only-files {path}", "brakeman"),
    "eslint": ("npx eslint {path}",),
    "npm-audit": ("npm audit",),
    "npm": ("npm audit",),
    "yarn": ("yarn npm audit --recursive",),
    "yarn-audit": ("yarn npm audit --recursive",),
    "pnpm": ("pnpm audit",),
    "pnpm-audit": ("pnpm audit",),
    "pip-audit": ("pip-audit -r {path}", "pip-audit"),
    "cargo-audit": ("cargo audit",),
    "composer": ("composer audit",),
    "composer-audit": ("composer audit",),
    "govulncheck": ("govulncheck ./...",),
    "snyk": ("snyk test --file={path}", "snyk test"),
    "nuclei": ("nuclei -u {url} -id {rule}",),
    "nikto": ("nikto -h {url}",),
    "kubescape": ("kubescape scan {path}", "kubescape scan"),
    "kube-bench": ("kube-bench run",),
    "retire.js": ("retire --path .",),
    "retirejs": ("retire --path .",),
    "dependency-check": ("dependency-check.sh --scan .",),
    "flawfinder": ("flawfinder {path}",),
    "codeql": ("codeql database analyze {database}",),
}
"""By the scanner's name; the first template whose words are all known and harmless is used."""


REGISTRY = re.compile(
    r"(?:ai|apex|bash|c|clojure|csharp|dockerfile|elixir|generic|go|html|java|javascript|json|kotlin|ocaml|php|python|"
    r"ruby|rust|scala|solidity|swift|terraform|trailofbits|typescript|yaml)\.[\w-]+\.[\w.-]+"
)
"""Rules of Semgrep's registry; others lie in a file of the owner's that no command of ours can name."""
TITLES = {
    each.lower(): each
    for each in (
        "Acunetix", "AppScan", "Arachni", "Bandit", "Bearer", "BinSkim", "Brakeman", "Checkmarx", "Checkov", "CodeQL",
        "Coverity", "CycloneDX", "Dependabot", "ESLint", "Fortify", "Gemnasium", "Gitleaks", "Grype", "Hadolint",
        "Harbor", "Horusec", "Invicti", "KICS", "Kubescape", "MobSF", "Nessus", "NeuVector", "Nexpose", "Nikto", "Nmap",
        "Nuclei", "OpenVAS", "OSV-Scanner", "PHPStan", "Prowler", "Qualys", "Retire.js", "RuboCop", "Semgrep", "Snyk",
        "SonarQube", "SpotBugs", "StackHawk", "Sysdig", "Talisman", "Terrascan", "Trivy", "TruffleHog", "Veracode",
        "Wapiti", "Wazuh", "WebInspect", "Wiz", "WPScan", "ZAP",
    )
} | {
    "burp": "Burp Suite", "cargo-audit": "cargo audit", "composer-audit": "composer audit", "csaf": "the advisory",
    "dependency-check": "Dependency-Check", "dependency-track": "Dependency-Track",
    "find_sec_bugs": "Find Security Bugs", "github-code-scanning": "GitHub code scanning",
    "github-secret-scanning": "GitHub secret scanning", "npm-audit": "npm audit", "openvex": "the VEX document",
    "pip-audit": "pip-audit", "pnpm-audit": "pnpm audit", "retirejs": "Retire.js",
    "security_code_scan": "Security Code Scan", "testssl": "testssl.sh", "trivy-operator": "Trivy Operator",
    "unknown": "the scanner", "yarn-audit": "yarn audit",
}  # fmt: skip
"""Names as the tools' makers write them, by the name in a finding."""


def title_of(tool: str) -> str:
    """The tool's name for a sentence; as the finding has it, if it is not known."""
    return TITLES.get(tool, tool)


def rescan_command(
    tool: str, *, rule: str | None = None, path: str | None = None, image: str | None = None, url: str | None = None
) -> str | None:
    """The command that asks `tool` again about one rule and place, or None if the tool is not known."""
    name = tool.lower().replace(" ", "-").replace("_", "-")
    config = f"r/{rule}" if rule and REGISTRY.match(rule) else None
    code = rule.split(":")[-1] if rule else None
    words = {"rule": rule, "path": path, "image": image, "url": url, "config": config, "code": code}
    filled = (fill(each, **words) for each in RESCANS.get(name, RESCANS.get(name.split("-")[0], ())))
    return next((command for command in filled if command), None)
