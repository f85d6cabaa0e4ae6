"""What the example reports say: for each its format, and a row a finding, as a person reads the file."""

from dataclasses import dataclass, field

from handlers.records import Finding

Row = tuple[str, str, str | None, str | None, int | None, str, str, str]


@dataclass(frozen=True)
class Expected:
    format: str
    rows: tuple[Row, ...]
    tool: str = ""
    version: str | None = None
    skipped: dict[str, int] = field(default_factory=dict)


def row(finding: Finding) -> Row:
    """Class (with `!` if suppressed), severity, rule, place, line, ids, CWEs, package."""
    place = finding.locations[0] if finding.locations else None
    package = finding.package
    return (
        finding.class_ + "!" * finding.suppressed,
        finding.severity,
        finding.rule_id,
        (place.path or place.url or place.symbol) if place else None,
        place.line if place else None,
        " ".join(finding.ids),
        " ".join(finding.cwes),
        f"{package.ecosystem}:{package.name}@{package.version} {' '.join(package.fixed_versions)}".strip()
        if package
        else "",
    )


EXPECTED: dict[str, Expected] = {
    "asff.json": Expected(
        "asff",
        (
            (
                "vulnerability",
                "high",
                "AWSInspector",
                "arn:aws:ec2:eu-west-1:0:instance/i-1",
                None,
                "CVE-2022-10006",
                "",
                "None:kernel@4.14.1 4.14.2",
            ),
        ),
        tool="inspector",
        skipped={"passed": 1},
    ),
    "bandit.json": Expected(
        "bandit",
        (
            ("code", "low", "B404", "app/shop.py", 2, "", "CWE-78", ""),
            ("code", "high", "B324", "app/shop.py", 8, "", "CWE-327", ""),
            ("code", "low", "B101", "app/shop.py", 12, "", "CWE-703", ""),
            ("code", "high", "B602", "app/shop.py", 13, "", "CWE-78", ""),
        ),
    ),
    "brakeman.json": Expected(
        "brakeman",
        (("code", "unknown", "SQL", "app/models/user.rb", 12, "", "CWE-89", ""),),
        version="6.0.1",
        skipped={"ignored in the project": 1},
    ),
    "bundler_audit.json": Expected(
        "bundler-audit",
        (
            (
                "vulnerability",
                "high",
                "CVE-2020-8161",
                None,
                None,
                "CVE-2020-8161 GHSA-5f9h-9pjv-v6j7",
                "",
                "gem:rack@1.6.13 2.1.3 2.2.0",
            ),
            ("misconfiguration", "unknown", "insecure_source", "http://rubygems.example/", None, "", "", ""),
        ),
        version="0.9.2",
    ),
    "bundler_audit.txt": Expected(
        "bundler-audit-text",
        (
            (
                "vulnerability",
                "high",
                "CVE-2020-8161",
                None,
                None,
                "CVE-2020-8161 GHSA-5f9h-9pjv-v6j7",
                "",
                "gem:rack@1.6.13 2.1.3 2.2.0",
            ),
        ),
        tool="bundler-audit",
    ),
    "burp.xml": Expected(
        "burp",
        (
            ("dast", "high", "1049088", "https://shop.example/basket", None, "", "CWE-89", ""),
            ("dast!", "unknown", "8389120", "https://shop.example/", None, "", "", ""),
        ),
        version="2023.1",
    ),
    "cargo_audit.json": Expected(
        "cargo-audit",
        (
            (
                "vulnerability",
                "medium",
                "RUSTSEC-2021-0020",
                None,
                None,
                "RUSTSEC-2021-0020 CVE-2021-21299",
                "",
                "cargo:hyper@0.13.9 0.14.3 0.13.10",
            ),
        ),
        skipped={"informational: unmaintained": 1},
    ),
    "cfn_lint.json": Expected(
        "cfn-lint",
        (
            ("misconfiguration", "medium", "W2001", "stack.yaml", 3, "", "", ""),
            ("misconfiguration", "high", "E3002", "stack.yaml", 9, "", "", ""),
        ),
    ),
    "code_climate.json": Expected(
        "code-climate",
        (
            ("quality", "medium", "DL3007", "Dockerfile", 1, "", "", ""),
            ("quality", "info", "DL3015", "Dockerfile", 2, "", "", ""),
            ("quality", "medium", "DL3008", "Dockerfile", 2, "", "", ""),
        ),
    ),
    "composer_audit.json": Expected(
        "composer-audit",
        (
            (
                "vulnerability",
                "critical",
                "PKSA-aaaa-bbbb-cccc",
                None,
                None,
                "CVE-2021-32708 GHSA-9f46-5r25-5wfm",
                "",
                "composer:acme/shop@None",
            ),
            ("vulnerability", "unknown", "PKSA-dddd-eeee-ffff", None, None, "", "", "composer:acme/gap@None"),
        ),
        skipped={"abandoned package": 1},
    ),
    "csaf.json": Expected(
        "csaf",
        (
            ("vulnerability", "high", "CVE-2024-10005", None, None, "CVE-2024-10005", "CWE-787", "None:Shop@1.0"),
            (
                "vulnerability!",
                "unknown",
                "CVE-2024-10005",
                None,
                None,
                "CVE-2024-10005",
                "CWE-787",
                "generic:Shop@2.0",
            ),
        ),
    ),
    "cyclonedx.json": Expected(
        "cyclonedx",
        (
            (
                "vulnerability",
                "medium",
                "CVE-2019-11358",
                None,
                None,
                "CVE-2019-11358 GHSA-6c3j-c64m-qhgq",
                "CWE-1321",
                "npm:jquery@3.3.9",
            ),
            ("vulnerability!", "unknown", "CVE-2020-1", None, None, "CVE-2020-1", "", "npm:other@1.0.0"),
        ),
    ),
    "cyclonedx.xml": Expected(
        "cyclonedx-xml",
        (("vulnerability", "medium", "CVE-2019-11358", None, None, "CVE-2019-11358", "CWE-1321", "npm:jquery@3.3.9"),),
        tool="cyclonedx",
    ),
    "cyclonedx_extension.xml": Expected(
        "cyclonedx-xml",
        (
            (
                "vulnerability",
                "medium",
                "CVE-2019-12384",
                None,
                None,
                "CVE-2019-12384",
                "CWE-502",
                "maven:jackson-databind@2.9.9",
            ),
        ),
        tool="cyclonedx",
    ),
    "dependency_check.json": Expected(
        "dependency-check",
        (
            (
                "vulnerability",
                "critical",
                "CVE-2021-44228",
                "lib/log4j-core-2.13.2.jar",
                None,
                "CVE-2021-44228",
                "CWE-20 CWE-502",
                "maven:org.apache.logging.log4j:log4j-core@2.13.2",
            ),
        ),
        version="9.0.9",
        skipped={"suppressed": 1},
    ),
    "dependency_check.xml": Expected(
        "dependency-check-xml",
        (
            (
                "vulnerability",
                "critical",
                "CVE-2021-44228",
                "lib/log4j-core-2.13.2.jar",
                None,
                "CVE-2021-44228",
                "CWE-20 CWE-502",
                "maven:org.apache.logging.log4j:log4j-core@2.13.2",
            ),
        ),
        tool="dependency-check",
        version="9.0.9",
        skipped={"suppressed": 1},
    ),
    "dependency_track.json": Expected(
        "dependency-track",
        (
            (
                "vulnerability!",
                "medium",
                "CVE-2020-7598",
                None,
                None,
                "CVE-2020-7598 GHSA-vh95-rmgr-6w4m",
                "CWE-1321",
                "npm:minimist@1.2.0",
            ),
        ),
        version="4.10.1",
    ),
    "detect_secrets.json": Expected(
        "detect-secrets",
        (
            ("secret", "unknown", "Base64 High Entropy String", "app/shop.py", 4, "", "", ""),
            ("secret", "unknown", "Secret Keyword", "app/shop.py", 4, "", "", ""),
            ("secret!", "unknown", "Stripe Access Key", "app/shop.py", 4, "", "", ""),
        ),
        version="1.5.0",
    ),
    "eslint.json": Expected(
        "eslint",
        (
            ("code", "high", "no-eval", "/srv/shop/bad.js", 1, "", "", ""),
            ("quality", "medium", "no-debugger", "/srv/shop/bad.js", 2, "", "", ""),
        ),
    ),
    "generic.csv": Expected("generic-csv", (("code", "high", None, "src/a.py", 4, "", "CWE-327", ""),), tool="generic"),
    "generic.json": Expected(
        "generic",
        (
            ("code", "high", "A1", "src/a.py", 4, "", "CWE-327", ""),
            ("vulnerability", "low", None, None, None, "CVE-2020-7598", "", "npm:minimist@1.2.0 1.2.3"),
        ),
        tool="acme-scan",
        version="1.0",
    ),
    "generic.jsonl": Expected(
        "generic",
        (
            ("dast", "medium", None, "https://shop.example/r", None, "", "CWE-601", ""),
            ("secret", "high", None, "env", None, "", "", ""),
        ),
        skipped={"malformed": 1},
    ),
    "github_code_scanning.json": Expected(
        "github-code-scanning",
        (("code", "high", "py/path-injection", "src/file.py", 78, "", "CWE-22", ""),),
        tool="codeql",
    ),
    "github_dependabot.json": Expected(
        "github-dependabot",
        (
            (
                "vulnerability!",
                "medium",
                "GHSA-vh95-rmgr-6w4m",
                "package-lock.json",
                None,
                "GHSA-vh95-rmgr-6w4m CVE-2020-7598",
                "CWE-1321",
                "npm:minimist@None 1.2.3",
            ),
        ),
        tool="dependabot",
    ),
    "github_graphql.json": Expected(
        "github-graphql",
        (
            (
                "vulnerability",
                "critical",
                "GHSA-2qrg-x229-3v8q",
                "pom.xml",
                None,
                "GHSA-2qrg-x229-3v8q CVE-2019-17571",
                "CWE-502",
                "maven:log4j:log4j@1.2.16 1.2.17",
            ),
        ),
        tool="dependabot",
    ),
    "github_repository_alert.json": Expected(
        "github-repository-alert",
        (
            (
                "vulnerability",
                "medium",
                "GHSA-jp4x-w63m-7wgm",
                None,
                None,
                "CVE-2018-3728 GHSA-jp4x-w63m-7wgm",
                "",
                "None:many_versioned_gem@None 0.2.5",
            ),
        ),
        tool="dependabot",
    ),
    "github_secret_scanning.json": Expected(
        "github-secret-scanning", (("secret", "unknown", "acme_key", "env/keys", 3, "", "", ""),)
    ),
    "github_webhook.json": Expected(
        "github-code-scanning",
        (("code", "high", "py/path-injection", "src/file.py", 78, "", "CWE-22", ""),),
        tool="codeql",
    ),
    "gitlab.json": Expected(
        "gitlab",
        (
            (
                "vulnerability",
                "critical",
                "7368f513",
                "go.sum",
                None,
                "CVE-2019-11254",
                "CWE-20",
                "None:gopkg.in/yaml.v2@v2.2.2",
            ),
        ),
        tool="gemnasium",
        version="4.0",
    ),
    "gitlab_legacy.json": Expected("gitlab", (("code", "high", "SQL_INJECTION", "src/Db.java", 7, "", "CWE-89", ""),)),
    "gitlab_secrets.json": Expected(
        "gitlab", (("secret", "high", "generic", "env", 5, "", "", ""),), tool="gitleaks", version="8"
    ),
    "gosec.json": Expected(
        "gosec",
        (
            ("code", "medium", "G401", "/src/shop/user.go", 160, "", "CWE-327", ""),
            ("code!", "low", "G104", "/src/shop/app.go", 9, "", "CWE-703", ""),
        ),
        version="2.18.2",
    ),
    "govulncheck.json": Expected(
        "govulncheck",
        (
            (
                "vulnerability",
                "unknown",
                "GO-2021-0113",
                "main.go",
                12,
                "GO-2021-0113 CVE-2021-38561 GHSA-ppp9-7jff-5vj2",
                "",
                "golang:golang.org/x/text@v0.3.5 0.3.7",
            ),
        ),
        version="v1.1.4",
    ),
    "govulncheck_old.json": Expected(
        "govulncheck-old",
        (
            (
                "vulnerability",
                "unknown",
                "GO-2021-0113",
                "golang.org/x/text/language.Parse",
                None,
                "GO-2021-0113 CVE-2021-38561 GHSA-ppp9-7jff-5vj2",
                "",
                "golang:golang.org/x/text@v0.3.5 0.3.7",
            ),
        ),
        tool="govulncheck",
    ),
    "grype.json": Expected(
        "grype",
        (
            (
                "vulnerability",
                "high",
                "GHSA-2x2x-2222-3c3c",
                "/app/requirements.txt",
                None,
                "GHSA-2x2x-2222-3c3c CVE-2024-10001",
                "CWE-835",
                "pypi:shop@2.3.0 2.4.1",
            ),
            (
                "vulnerability",
                "low",
                "CVE-2023-20002",
                "/var/lib/dpkg/status",
                None,
                "CVE-2023-20002",
                "",
                "deb:libshop1@1.0-2",
            ),
        ),
        version="0.85.0",
        skipped={"ignored by a rule of the scan": 1},
    ),
    "hadolint.json": Expected(
        "hadolint",
        (
            ("misconfiguration", "medium", "DL3007", "Dockerfile", 1, "", "", ""),
            ("misconfiguration", "info", "DL3015", "Dockerfile", 2, "", "", ""),
            ("misconfiguration", "medium", "DL3008", "Dockerfile", 2, "", "", ""),
        ),
    ),
    "kics.json": Expected(
        "kics",
        (
            ("misconfiguration", "high", "38c5ee0d-7f22-4260-ab72-5073048df100", "s3.tf", 4, "", "CWE-732", ""),
            ("secret", "high", "487f4be7", "s3.tf", 9, "", "", ""),
        ),
        version="v2.1.3",
    ),
    "kube_bench.json": Expected(
        "kube-bench",
        (
            ("misconfiguration", "unknown", "4.1.1", "node", None, "", "", ""),
            ("misconfiguration", "unknown", "4.1.3", "node", None, "", "", ""),
        ),
        skipped={"passed": 1},
    ),
    "kubescape.json": Expected(
        "kubescape", (("misconfiguration", "medium", "C-0016", "deploy.yaml", None, "", "", ""),), skipped={"passed": 1}
    ),
    "mobsfscan.json": Expected(
        "mobsfscan",
        (
            ("code", "info", "android_certificate_pinning", None, None, "", "CWE-295", ""),
            ("code", "info", "android_logging", "android/Main.java", 3, "", "CWE-532", ""),
        ),
        version="1.1.0",
    ),
    "nikto.json": Expected(
        "nikto-json",
        (
            ("dast", "unknown", "999100", "https://shop.example:443/", None, "", "", ""),
            ("dast", "unknown", "000001", "https://shop.example:443/admin/", None, "OSVDB-3092", "", ""),
        ),
        tool="nikto",
    ),
    "nikto.xml": Expected(
        "nikto-xml",
        (("dast", "unknown", "999970", "https://shop.example:443/", None, "", "", ""),),
        tool="nikto",
        version="2.5.0",
    ),
    "nmap.xml": Expected(
        "nmap",
        (
            ("vulnerability", "medium", "CVE-2018-15919", "shop.example:22", None, "CVE-2018-15919", "", ""),
            ("vulnerability", "unknown", "CVE-2014-3566", "shop.example:443", None, "CVE-2014-3566", "", ""),
        ),
        version="7.94",
        skipped={"open port": 2, "script output without a vulnerability": 1, "tested, not vulnerable": 1},
    ),
    "npm_audit_6.json": Expected(
        "npm-audit-6",
        (
            (
                "vulnerability",
                "medium",
                "GHSA-vh95-rmgr-6w4m",
                None,
                None,
                "GHSA-vh95-rmgr-6w4m CVE-2020-7598",
                "CWE-1321",
                "npm:minimist@1.2.0 0.2.1 1.2.3",
            ),
        ),
        tool="npm-audit",
    ),
    "npm_audit_7.json": Expected(
        "npm-audit-7",
        (
            (
                "vulnerability",
                "medium",
                "1179",
                "node_modules/minimist",
                None,
                "GHSA-vh95-rmgr-6w4m",
                "CWE-1321",
                "npm:minimist@None",
            ),
            ("vulnerability", "medium", None, "node_modules/mkdirp", None, "", "", "npm:mkdirp@None"),
        ),
        tool="npm-audit",
    ),
    "nuclei.jsonl": Expected(
        "nuclei",
        (
            (
                "dast",
                "high",
                "CVE-2021-10003",
                "https://shop.example/?f=../../etc/passwd",
                None,
                "CVE-2021-10003",
                "CWE-22",
                "",
            ),
            ("dast", "info", "tech-detect", "https://shop.example", None, "", "", ""),
        ),
        skipped={"template did not match": 1},
    ),
    "ocsf.json": Expected(
        "ocsf",
        (("misconfiguration", "critical", "iam_root_mfa", "arn:aws:iam::0:root", None, "", "", ""),),
        tool="prowler",
        version="4.2.1",
        skipped={"passed": 1},
    ),
    "openvex.json": Expected(
        "openvex",
        (
            (
                "vulnerability",
                "unknown",
                "CVE-2023-12345",
                None,
                None,
                "CVE-2023-12345 GHSA-2x2x-2222-3c3c",
                "",
                "apk:wolfi/git@2.39.0-r1",
            ),
            ("vulnerability!", "unknown", "CVE-2023-54321", None, None, "CVE-2023-54321", "", "oci:shop@None"),
        ),
    ),
    "pip_audit.json": Expected(
        "pip-audit",
        (
            (
                "vulnerability",
                "unknown",
                "PYSEC-2021-439",
                None,
                None,
                "PYSEC-2021-439 CVE-2021-44420 GHSA-v6rh-hp5x-86rv",
                "",
                "pypi:django@3.2.9 2.2.25 3.2.10",
            ),
        ),
        skipped={"dependency not audited": 1},
    ),
    "prowler.csv": Expected(
        "prowler-csv",
        (("misconfiguration!", "critical", "iam_root_mfa", "arn:aws:iam::0:root", None, "", "", ""),),
        tool="prowler",
        skipped={"passed": 1},
    ),
    "prowler.json": Expected(
        "prowler",
        (
            (
                "misconfiguration",
                "high",
                "acm_certificates_expiration_check",
                "arn:aws:acm:us-east-1:0:certificate/1",
                None,
                "",
                "",
                "",
            ),
        ),
        skipped={"manual": 1, "passed": 1},
    ),
    "prowler_2.jsonl": Expected(
        "prowler-2",
        (("misconfiguration", "critical", "1.14", "012345678912/eu-central-1/MFA", None, "", "", ""),),
        tool="prowler",
        skipped={"passed": 1},
    ),
    "retirejs.json": Expected(
        "retirejs",
        (
            (
                "vulnerability",
                "medium",
                "CVE-2012-6708",
                "js/jquery.js",
                None,
                "CVE-2012-6708 GHSA-2pqj-h3vj-pqgw",
                "CWE-64 CWE-79",
                "npm:jquery@1.8.1 1.9.0b1",
            ),
        ),
        version="4.4.2",
    ),
    "scorecard.json": Expected(
        "scorecard",
        (("quality", "unknown", "Branch-Protection", "github.com/acme/shop", None, "", "", ""),),
        version="v4.13.1",
        skipped={"inconclusive": 1, "passed": 1},
    ),
    "shellcheck.json": Expected("shellcheck", (("quality", "medium", "SC2086", "run.sh", 3, "", "", ""),)),
    "snyk.json": Expected(
        "snyk",
        (
            (
                "vulnerability",
                "medium",
                "SNYK-JS-MINIMIST-559764",
                "package-lock.json",
                None,
                "CVE-2020-7598 GHSA-vh95-rmgr-6w4m SNYK-JS-MINIMIST-559764",
                "CWE-1321",
                "npm:minimist@1.2.0 0.2.1 1.2.3",
            ),
            (
                "licence",
                "high",
                "snyk:lic:npm:copyleft:GPL-3.0",
                "package-lock.json",
                None,
                "",
                "",
                "npm:copyleft@1.0.0",
            ),
        ),
        skipped={"ignored by the project's policy": 1, "project that could not be scanned": 1},
    ),
    "snyk_iac.json": Expected("snyk", (("misconfiguration", "high", "SNYK-CC-K8S-1", "deploy.yaml", 21, "", "", ""),)),
    "snyk_rest.json": Expected(
        "snyk-rest",
        (
            (
                "vulnerability",
                "critical",
                "SNYK-PYTHON-PILLOW-5918878",
                None,
                None,
                "SNYK-PYTHON-PILLOW-5918878 CVE-2023-4863",
                "CWE-122",
                "None:pillow@9.5.0",
            ),
            ("code!", "high", "1", "shop/db.py", 7, "", "CWE-89", ""),
        ),
        tool="snyk",
    ),
    "sonarqube.html": Expected(
        "sonarqube-html", (("code", "medium", "squid:S2068", "java/Shop.java", 19, "", "", ""),), tool="sonarqube"
    ),
    "sonarqube.json": Expected(
        "sonarqube",
        (
            ("code", "medium", "python:S2077", "src/db.py", 7, "", "", ""),
            ("quality!", "critical", "python:S1192", "src/db.py", 3, "", "", ""),
            ("secret", "critical", "secrets:S6290", "src/key.py", 1, "", "", ""),
        ),
    ),
    "sonarqube_generic.json": Expected(
        "sonarqube-generic", (("code", "high", "R1", "src/a.py", 4, "", "", ""),), tool="sonarqube"
    ),
    "spotbugs.xml": Expected(
        "spotbugs",
        (
            ("code", "high", "SQL_INJECTION_JDBC", "shop/Db.java", 23, "", "CWE-89", ""),
            ("quality", "medium", "DM_DEFAULT_ENCODING", "shop/Main.java", 5, "", "", ""),
        ),
        version="4.8.3",
    ),
    "terrascan.json": Expected(
        "terrascan", (("misconfiguration", "high", "AC_AWS_0210", "s3.tf", 1, "", "", ""),), skipped={"passed": 1}
    ),
    "testssl.csv": Expected(
        "testssl-csv",
        (("dast", "low", "SWEET32", "shop.example/192.0.2.7:443", None, "CVE-2016-2183 CVE-2016-6329", "CWE-327", ""),),
        tool="testssl",
        skipped={"severity INFO": 1, "severity OK": 1},
    ),
    "testssl.json": Expected(
        "testssl",
        (("dast", "low", "SWEET32", "shop.example/192.0.2.7:443", None, "CVE-2016-2183 CVE-2016-6329", "CWE-327", ""),),
        skipped={"severity INFO": 1, "severity OK": 1},
    ),
    "testssl_pretty.json": Expected(
        "testssl-pretty",
        (
            ("dast", "low", "TLS1", "shop.example/192.0.2.7:443", None, "", "", ""),
            (
                "dast",
                "low",
                "SWEET32",
                "shop.example/192.0.2.7:443",
                None,
                "CVE-2016-2183 CVE-2016-6329",
                "CWE-327",
                "",
            ),
        ),
        tool="testssl",
        version="3.0.8",
    ),
    "tfsec.json": Expected(
        "tfsec",
        (("misconfiguration", "high", "aws-s3-no-public-access-with-acl", "/src/s3.tf", 4, "", "", ""),),
        skipped={"passed": 1},
    ),
    "trivy_operator.json": Expected(
        "trivy-operator",
        (
            (
                "vulnerability",
                "critical",
                "CVE-2023-23914",
                "prod/ReplicaSet/shop/web",
                None,
                "CVE-2023-23914",
                "",
                "None:curl@7.87.0-r1 7.87.0-r2",
            ),
            ("misconfiguration", "low", "KSV014", "prod/ReplicaSet/shop/web", None, "", "", ""),
            ("secret", "critical", "aws-secret-access-key", "/root/env", None, "", "", ""),
        ),
        version="0.48.3",
        skipped={"passed": 1},
    ),
    "trufflehog.jsonl": Expected(
        "trufflehog", (("secret", "critical", "URI", "deploy/env", 7, "", "", ""),), skipped={"log line": 1}
    ),
    "trufflehog2.json": Expected(
        "trufflehog2", (("secret", "unknown", "High Entropy", "config.py", None, "", "", ""),), tool="trufflehog"
    ),
    "trufflehog3.json": Expected("trufflehog3", (("secret", "high", "high-entropy", "docker/env", 3, "", "", ""),)),
    "wapiti.json": Expected(
        "wapiti",
        (("dast", "critical", "SQL Injection", "https://shop.example/item", None, "", "CWE-89", ""),),
        version="3.1.7",
        skipped={"anomaly": 1},
    ),
    "wapiti.xml": Expected(
        "wapiti-xml",
        (("dast", "high", "SQL Injection", "https://shop.example/item", None, "", "CWE-89", ""),),
        tool="wapiti",
        version="3.0.4",
    ),
    "yarn_4_audit.jsonl": Expected(
        "yarn-4-audit",
        (
            ("vulnerability", "medium", "1179", None, None, "GHSA-vh95-rmgr-6w4m", "", "npm:minimist@1.2.0"),
            ("vulnerability", "medium", "request (deprecation)", None, None, "", "", "npm:request@2.88.2"),
        ),
        tool="yarn-audit",
    ),
    "yarn_audit.jsonl": Expected(
        "yarn-audit",
        (
            (
                "vulnerability",
                "medium",
                "GHSA-vh95-rmgr-6w4m",
                None,
                None,
                "GHSA-vh95-rmgr-6w4m CVE-2020-7598",
                "CWE-1321",
                "npm:minimist@1.2.0 0.2.1 1.2.3",
            ),
        ),
    ),
}
