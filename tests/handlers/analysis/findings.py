"""Findings for tests: one of each class, as readers make them."""

from __future__ import annotations

from handlers.records import Finding, Location, Package

LOG4J = Finding(
    fingerprint="1:aa",
    tool="trivy",
    format="trivy",
    rule_id="CVE-2021-44228",
    title="log4j-core: Remote code execution in Log4j 2.x",
    class_="vulnerability",
    severity="critical",
    severity_raw="CRITICAL",
    severity_origin="Severity",
    cvss_vector="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H",
    cvss_score=10.0,
    cwes=("CWE-502", "CWE-400"),
    ids=("CVE-2021-44228", "GHSA-jfh8-c2jp-5v3q"),
    description="JNDI features do not protect against attacker controlled LDAP and other JNDI related endpoints.",
    locations=(Location(path="pom.xml"),),
    package=Package(
        name="org.apache.logging.log4j:log4j-core",
        ecosystem="maven",
        version="2.14.1",
        fixed_versions=("2.15.0", "2.3.1", "2.12.2"),
    ),
    pointer="/Results/0/Vulnerabilities/0",
)
INJECTION = Finding(
    fingerprint="1:bb",
    tool="semgrep",
    format="semgrep",
    rule_id="python.lang.security.audit.sqli.formatted-sql-query",
    title="Detected possible formatted SQL query",
    class_="code",
    severity="medium",
    severity_raw="WARNING",
    severity_origin="severity",
    cwes=("CWE-89",),
    description="Detected possible formatted SQL query. Use parameterized queries instead.",
    snippet="cursor.execute('SELECT * FROM t WHERE id = %s' % ident)",
    locations=(Location(path="shop/orders.py", line=42), Location(path="shop/orders.py", line=77)),
    pointer="/results/0",
)
SECRET = Finding(
    fingerprint="1:cc",
    tool="gitleaks",
    format="gitleaks",
    rule_id="generic-api-key",
    title="Generic API key",
    class_="secret",
    cwes=("CWE-798",),
    description="found SENTINEL-not-to-be-repeated in a file",
    snippet="key = 'SENTINEL-not-to-be-repeated'",
    locations=(Location(path="config/prod.env", line=3),),
    pointer="/0",
)
WORKFLOW = Finding(
    fingerprint="1:dd",
    tool="checkov",
    format="checkov",
    rule_id="CKV2_GHA_1",
    title="Ensure top-level permissions are not set to write-all",
    class_="misconfiguration",
    severity="high",
    severity_origin="level",
    locations=(Location(path=".github/workflows/build.yml", line=1),),
    pointer="/runs/0/results/0",
)
HEADER = Finding(
    fingerprint="1:ee",
    tool="zap",
    format="zap",
    rule_id="10021",
    title="X-Content-Type-Options Header Missing",
    class_="dast",
    severity="low",
    severity_raw="1",
    severity_origin="riskcode",
    cwes=("CWE-693",),
    locations=(Location(url="http://localhost:8080/", method="GET"),),
    pointer="/site/0/alerts/0",
)
LICENCE = Finding(
    fingerprint="1:ff",
    tool="trivy",
    format="trivy",
    rule_id="GPL-2.0",
    title="License GPL-2.0 of bash",
    class_="licence",
    severity="high",
    package=Package(name="bash", version="5.0-4", ecosystem="deb"),
    pointer="/Results/1/Licenses/0",
)
BARE = Finding(fingerprint="1:00", tool="sometool", format="sarif", title="something", class_="quality", pointer="/x")
UNFIXED = Finding(
    fingerprint="1:11",
    tool="grype",
    format="grype",
    title="CVE-2016-2781 in coreutils",
    class_="vulnerability",
    severity="low",
    ids=("CVE-2016-2781",),
    locations=(Location(path="owner/image"),),
    package=Package(name="coreutils", version="9.4-3ubuntu6", ecosystem="deb"),
    pointer="/matches/0",
)
ALL = (LOG4J, INJECTION, SECRET, WORKFLOW, HEADER, LICENCE, BARE, UNFIXED)
