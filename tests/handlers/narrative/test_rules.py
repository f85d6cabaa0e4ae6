"""Narratives name the facts that a person needs, and only those."""

from __future__ import annotations

import msgspec
import pytest

from handlers.analysis.rules import analyse
from handlers.knowledge.cwe import Catalogue
from handlers.narrative.rules import narrate
from handlers.records import Finding, Location, Narrative, Package
from tests.handlers.analysis import findings


def narrative(finding: Finding, catalogue: Catalogue) -> Narrative:
    return narrate(analyse(finding, catalogue), catalogue)


def text(made: Narrative) -> str:
    return "\n".join((made.what, made.why, made.fix, made.check))


def test_a_vulnerability_names_everything_needed(catalogue: Catalogue) -> None:
    made = narrative(findings.LOG4J, catalogue)
    for fact in (
        "CVE-2021-44228",
        "GHSA-jfh8-c2jp-5v3q",
        "CWE-502",
        "CWE-400",
        "log4j-core 2.14.1",
        "Remote code execution",
    ):
        assert fact in made.what
    assert "critical" in made.why
    assert "over the network" in made.why
    assert "mvn versions:use-dep-version -Dincludes=org.apache.logging.log4j:log4j-core -DdepVersion=2.15.0" in made.fix
    assert "mvn dependency:tree" in made.check
    assert "trivy fs" in made.check


def test_that_no_fix_exists_is_said_plainly(catalogue: Catalogue) -> None:
    made = narrative(findings.UNFIXED, catalogue)
    assert any(said in made.fix for said in ("fixed version", "repaired"))
    assert "apt-get install --only-upgrade coreutils" in made.fix
    assert "CVE-2016-2781" in made.check


def test_code_gets_a_change_and_the_scanner_again(catalogue: Catalogue) -> None:
    made = narrative(findings.INJECTION, catalogue)
    assert "`shop/orders.py:42`" in made.what
    assert "1 other place" in made.what
    assert "CWE-89" in made.what
    assert "parameter" in made.fix
    assert "semgrep scan --config r/python.lang.security.audit.sqli.formatted-sql-query shop/orders.py" in made.check


def test_a_configuration_rule_shows_how_it_should_stand(catalogue: Catalogue) -> None:
    made = narrative(findings.WORKFLOW, catalogue)
    assert "```yaml\npermissions:\n  contents: read\n```" in made.fix
    assert "checkov --file .github/workflows/build.yml --check CKV2_GHA_1" in made.check


def test_a_header_is_shown(catalogue: Catalogue) -> None:
    made = narrative(findings.HEADER, catalogue)
    assert "X-Content-Type-Options: nosniff" in made.fix
    assert "GET localhost:8080/" in made.what


def test_a_secret_is_never_repeated(catalogue: Catalogue) -> None:
    made = narrative(findings.SECRET, catalogue)
    assert "SENTINEL" not in text(made)
    assert "`config/prod.env:3`" in made.what
    assert any(word in made.fix.lower() for word in ("revoke", "cancel", "invalidate"))


@pytest.mark.parametrize("finding", findings.ALL, ids=lambda each: each.class_)
def test_every_class_gets_four_sections_without_leftovers(finding: Finding, catalogue: Catalogue) -> None:
    made = narrative(finding, catalogue)
    for section in (made.what, made.why, made.fix, made.check):
        assert section
        outside = section.split("`")[::2]
        assert not any(mark in part for part in outside for mark in "{}[]|")
        assert not any("  " in part for part in outside)
        assert ".." not in "".join(outside)


@pytest.mark.parametrize("finding", findings.ALL, ids=lambda each: each.class_)
def test_the_same_finding_reads_the_same(finding: Finding, catalogue: Catalogue) -> None:
    made = narrative(finding, catalogue)
    assert made == narrative(finding, catalogue)
    assert msgspec.json.decode(msgspec.json.encode(made), type=Narrative) == made


def test_two_findings_of_one_rule_read_differently(catalogue: Catalogue) -> None:
    others = [msgspec.structs.replace(findings.INJECTION, pointer=f"/results/{at}") for at in range(20)]
    assert len({text(narrative(each, catalogue)) for each in others}) > 15


def test_a_weakness_named_in_words_brings_its_advice_but_no_id(catalogue: Catalogue) -> None:
    named = msgspec.structs.replace(
        findings.INJECTION, tool="other", rule_id="java/sql-injection", title="SQL injection", cwes=()
    )
    made = narrative(named, catalogue)
    assert "bind the value as a parameter" in made.fix.lower()
    assert "CWE-" not in text(made)


def test_a_version_that_only_the_advice_names_is_the_fix(catalogue: Catalogue) -> None:
    advised = msgspec.structs.replace(findings.UNFIXED, remediation="Upgrade to version 9.5 or above.")
    made = narrative(advised, catalogue)
    assert "Upgrade to version 9.5 or above." in made.fix
    assert not any(said in text(made) for said in ("fixed version", "repaired"))
    assert "whether a fixed version exists" not in made.analysis.unknown
    assert "no fixed version" not in (made.analysis.affected or "")


def test_scanners_are_called_as_their_makers_do(catalogue: Catalogue) -> None:
    rated = msgspec.structs.replace(findings.INJECTION, tool="osv-scanner", severity="high")
    told = {text(narrative(msgspec.structs.replace(rated, pointer=f"/{at}"), catalogue)) for at in range(20)}
    assert any("OSV-Scanner" in each for each in told)
    assert not any("Osv-scanner" in each for each in told)


def of_image(path: str) -> Finding:
    return msgspec.structs.replace(findings.UNFIXED, tool="trivy", locations=(Location(path=path),))


def test_packages_of_a_system_are_scanned_in_their_image(catalogue: Catalogue) -> None:
    assert "`trivy image alpine:3.9`" in narrative(of_image("alpine:3.9 (alpine 3.9.4)"), catalogue).check
    assert "`trivy image debian`" in narrative(of_image("debian (debian 10.8) (sha256:7f03)"), catalogue).check
    assert "trivy" not in narrative(of_image("/var/lib/dpkg/status"), catalogue).check


def test_a_secret_is_looked_for_where_it_was_deleted(catalogue: Catalogue) -> None:
    """The history keeps it, so a scan of the history could not confirm anything."""
    finding = msgspec.structs.replace(findings.SECRET, tool="gitleaks")
    assert "`gitleaks dir --redact .`" in narrative(finding, catalogue).check


@pytest.mark.parametrize("said", ["Code Injection.", "The Scanner checks for aws_tls.", "short description 6", "N/A"])
def test_what_is_no_remedy_is_not_given_as_one(said: str, catalogue: Catalogue) -> None:
    finding = msgspec.structs.replace(findings.BARE, class_="misconfiguration", remediation=said)
    assert said.rstrip(".") not in narrative(finding, catalogue).fix


def test_a_state_that_is_wanted_is_no_order(catalogue: Catalogue) -> None:
    finding = msgspec.structs.replace(
        findings.BARE, tool="kics", class_="misconfiguration", remediation="'runAsUser' is set to 10001"
    )
    assert narrative(finding, catalogue).fix == "See to it that 'runAsUser' is set to 10001."


def test_a_sentence_is_no_name_of_a_rule(catalogue: Catalogue) -> None:
    said = "Untrusted input in findOne() can result in NoSQL Injection."
    finding = msgspec.structs.replace(findings.INJECTION, rule_id=said, title="nosql", description=said, cwes=())
    made = narrative(finding, catalogue)
    assert made.what.count(said) == 1
    assert f"`{said}`" not in text(made)
    assert "typed parameters" in made.fix  # not the advice for SQL


def test_a_licence_has_no_fixed_version(catalogue: Catalogue) -> None:
    assert analyse(findings.LICENCE, catalogue).affected == "bash 5.0-4"


@pytest.mark.parametrize(
    "said",
    [
        "Users of the HTML cleaner should upgrade to lxml 4.6.5 to receive a patch.",
        "The issue is fixed in version 9.5.",
        "Prior to version 9.5, a crafted file ends the program.",
    ],
)
def test_a_version_that_only_the_description_names_is_not_denied(said: str, catalogue: Catalogue) -> None:
    described = msgspec.structs.replace(findings.UNFIXED, description=f"A library for XML. {said} It is small.")
    made = narrative(described, catalogue)
    assert said in made.fix
    assert not any(denied in text(made) for denied in ("no fixed version", "repaired"))
    assert "whether a fixed version exists" not in made.analysis.unknown


@pytest.mark.parametrize("advice", ["Upgrade to Generic App 1.0.1.", "Upgrade Generic App to version 1.0.1"])
def test_advice_that_names_the_product_names_a_version(catalogue: Catalogue, advice: str) -> None:
    package = Package(name="Generic App", version="1.0.0")
    told = msgspec.structs.replace(findings.UNFIXED, package=package, description=None, remediation=advice)
    made = narrative(told, catalogue)
    assert advice in made.fix
    assert not any(said in made.fix for said in ("fixed version", "repaired"))
    assert "whether a fixed version exists" not in made.analysis.unknown


@pytest.mark.parametrize("advice", ["Set the listener to use TLS 1.2", "Move to another library"])
def test_other_versions_are_no_fix(catalogue: Catalogue, advice: str) -> None:
    told = msgspec.structs.replace(findings.UNFIXED, description=None, remediation=advice)
    assert "whether a fixed version exists" in narrative(told, catalogue).analysis.unknown


@pytest.mark.parametrize(
    ("path", "said", "denied"),
    [
        ("app/views/users.html.erb", "template", "the file"),
        ("public/index.php", "", "browser"),
        ("public/app.js", "browser", "template"),
        ("etc/nginx.conf.erb", "", "browser"),
    ],
)
def test_templates_run_on_the_server(catalogue: Catalogue, path: str, said: str, denied: str) -> None:
    why = narrative(
        msgspec.structs.replace(findings.INJECTION, locations=(Location(path=path, line=3),)), catalogue
    ).why
    assert said in why
    assert denied not in why


def test_a_new_scan_is_read_by_rule_and_place(catalogue: Catalogue) -> None:
    node = msgspec.structs.replace(
        findings.WORKFLOW, tool="kube-bench", rule_id="4.2.11", locations=(Location(symbol="node"),)
    )
    assert "`4.2.11` at `node`" in narrative(node, catalogue).check


def test_rules_of_ones_own_get_no_command_that_would_not_find_them(catalogue: Catalogue) -> None:
    own = msgspec.structs.replace(findings.INJECTION, rule_id="our-rules.no-raw-sql")
    assert "semgrep scan" not in narrative(own, catalogue).check


def test_every_class_of_the_top_ten_is_named(catalogue: Catalogue) -> None:
    made = narrative(msgspec.structs.replace(findings.INJECTION, cwes=("CWE-89", "CWE-918")), catalogue)
    assert "A03:2021 Injection" in made.what
    assert "A10:2021" in made.what


def test_a_traced_call_is_no_open_question(catalogue: Catalogue) -> None:
    called = msgspec.structs.replace(findings.LOG4J, tool="govulncheck", locations=(Location(path="main.go", line=12),))
    made = narrative(called, catalogue)
    assert "`main.go:12`" in made.why
    assert "traced" in made.why
    assert "whether this project runs the affected code" not in made.analysis.unknown
    listed = narrative(msgspec.structs.replace(called, locations=(Location(symbol="x.Parse"),)), catalogue)
    assert "traced" not in listed.why
    assert "whether this project runs the affected code" in listed.analysis.unknown


@pytest.mark.parametrize("hostile", [{"cwes": ("CWE-506",)}, {"ids": ("MAL-2023-1035",)}])
def test_a_hostile_package_is_removed_not_updated(catalogue: Catalogue, hostile: dict[str, tuple[str, ...]]) -> None:
    package = Package(name="flot-axis", ecosystem="npm", version="0.0.0")
    made = narrative(msgspec.structs.replace(findings.LOG4J, package=package, **hostile), catalogue)
    assert "credential" in made.fix
    assert "`flot-axis`" in made.fix
    assert "npm update" not in made.fix
    assert "installed" in made.why
    assert "`npm ls flot-axis`" in made.check


def test_a_copied_script_is_exchanged_not_installed(catalogue: Catalogue) -> None:
    package = Package(name="jquery", ecosystem="npm", version="1.8.0", fixed_versions=("3.5.0",))
    place = (Location(path="static/js/jquery-1.8.0.min.js"),)
    made = narrative(
        msgspec.structs.replace(findings.LOG4J, tool="retirejs", package=package, locations=place), catalogue
    )
    assert "`static/js/jquery-1.8.0.min.js`" in made.fix
    assert "`3.5.0`" in made.fix
    assert "npm" not in made.fix + made.check
