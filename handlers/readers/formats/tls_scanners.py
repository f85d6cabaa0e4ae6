"""Scanners of TLS and SSH servers: SSLyze (JSON of version 3 and later, XML before), sslscan, ssh-audit.

Sources: https://nabla-c0d3.github.io/sslyze/documentation/json-output.html, https://github.com/rbsec/sslscan,
https://github.com/jtesta/ssh-audit. One problem a weakness of a server, not a cipher suite.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node, XmlNode
from handlers.readers.shapes import some

OLD = {"ssl_2_0": ("SSL 2.0", "high"), "ssl_3_0": ("SSL 3.0", "high"), "tls_1_0": ("TLS 1.0", "medium"), "tls_1_1": (
    "TLS 1.1", "low")}  # fmt: skip
"""Versions that RFC 6176, 7568 and 8996 took out of use."""
FLAWS = (
    ("heartbleed", "is_vulnerable_to_heartbleed", "Heartbleed", "high", "CVE-2014-0160"),
    ("openssl_ccs_injection", "is_vulnerable_to_ccs_injection", "CCS injection", "high", "CVE-2014-0224"),
    ("tls_compression", "supports_compression", "TLS compression (CRIME)", "medium", "CVE-2012-4929"),
    ("session_renegotiation", "is_vulnerable_to_client_renegotiation_dos", "client renegotiation", "medium", None),
)
"""SSLyze's command, the flag that is true for a weak server, what it means, how bad, its advisory."""


def claims_sslyze(report: Node) -> bool:
    return "server_scan_results" in report and (
        "date_scans_started" in report
        or "server_connectivity_errors" in report
        or some(report, "connectivity_status", path="server_scan_results")
    )


@reads("sslyze", claims_sslyze)
def sslyze(report: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = report.text("sslyze_version")
    for error in report.items("server_connectivity_errors"):
        ledger.scan_failed(f"SSLyze could not reach a server: {error.text('error_message') or 'no reason'}")
    for server in ledger.records(report, "server_scan_results"):
        where = _server(server)
        if server.text("connectivity_status") == "ERROR":
            ledger.scan_failed(f"SSLyze could not reach {where}")
        results = server["scan_result"] or server["scan_commands_results"]
        for name, command in results.fields():
            if command.text("error_reason"):
                ledger.warn(f"SSLyze could not run {name} on {where}: {command.text('error_reason')}")
            result = command["result"] if command.has("result", "status") else command
            yield from _weaknesses(name, result, where, ledger)


def _server(server: Node) -> str:
    place = server["server_location"] or server.at("server_info.server_location")
    return f"{place.text('hostname') or 'unknown host'}:{place.text('port') or 443}"


def _weaknesses(name: str, found: Node, where: str, ledger: Ledger) -> Iterator[Problem]:
    before = ledger.statements
    ledger.statements += found.is_object
    old = next((each for each in OLD if name == f"{each}_cipher_suites"), None)
    if old and found["accepted_cipher_suites"]:
        title, severity = OLD[old]
        suites = [each.text("cipher_suite.name") for each in found.items("accepted_cipher_suites")]
        yield _weak(found, name, f"{title} is accepted", severity, where, None, ", ".join(filter(None, suites)))
    for command, flag, title, severity, cve in FLAWS:
        if name == command and found.flag(flag):
            yield _weak(found, name, f"The server is vulnerable: {title}", severity, where, cve)
    if name == "session_renegotiation" and found.flag("supports_secure_renegotiation") is False:
        title = "Secure renegotiation is not supported"
        yield _weak(found, "insecure_renegotiation", title, "medium", where, "CVE-2009-3555")
    if name == "robot" and "VULNERABLE_" in (found.text("robot_result") or "").replace("NOT_VULNERABLE", ""):
        yield _weak(found, name, "The server is vulnerable: ROBOT", "high", where, "CVE-2017-17382")
    if name == "certificate_info":
        yield from _certificates(found, where)
    if ledger.statements == before:
        ledger.skip("command without a result")


def _certificates(found: Node, where: str) -> Iterator[Problem]:
    for each in found.items("certificate_deployments"):
        if each.flag("leaf_certificate_subject_matches_hostname") is False:
            yield _weak(each, "certificate_hostname", "The certificate is for another host", "medium", where, None)
        paths = each.items("path_validation_results")
        reasons = [path.text("openssl_error_string", "validation_error") for path in paths]
        if paths and not any(_valid(path) for path in paths):
            said = "; ".join(dict.fromkeys(filter(None, reasons)))
            yield _weak(each, "certificate_trust", "The certificate is not trusted", "medium", where, None, said)


def _valid(path: Node) -> bool:
    return path.flag("was_validation_successful") is True or (
        "was_validation_successful" not in path and bool(path["verified_certificate_chain"])
    )


def _weak(
    record: Node, rule: str, title: str, severity: str, where: str, cve: str | None, description: str | None = None
) -> Problem:
    return Problem(
        record,
        "dast",
        title=title,
        rule_id=rule,
        severity=severity,
        severity_origin="scantune",
        ids=(cve,),
        description=description or None,
        url=where,
    )


TAGS = {"sslv2": "ssl_2_0", "sslv3": "ssl_3_0", "tlsv1": "tls_1_0", "tlsv1_1": "tls_1_1"}


@reads("sslyze-xml", lambda root: isinstance(root, XmlNode) and root.name == "document" and (
    "SSLyze" in (root.text("title") or "")), kind="xml", tool="sslyze")  # fmt: skip
def sslyze_xml(root: Node, ledger: Ledger) -> Iterator[Problem]:
    """Versions before 2."""
    ledger.tool_version = root.text("SSLyzeVersion")
    ledger.expects(root, "results")
    for error in root.items("invalidTargets.invalidTarget"):
        ledger.scan_failed(f"SSLyze could not reach a server: {error.text('error') or 'no reason'}")
    for server in root.items("results.target"):
        where = f"{server.text('host')}:{server.text('port') or 443}"
        for tag, key in TAGS.items():
            suites = [each.text("name") for each in server.items(f"{tag}.acceptedCipherSuites.cipherSuite")]
            if suites or server.at(tag).text("isProtocolSupported") == "True":
                said = ", ".join(filter(None, suites))
                yield _weak(
                    server[tag], f"{key}_cipher_suites", f"{OLD[key][0]} is accepted", OLD[key][1], where, None, said
                )
        for path, flag, rule, title, severity, cve in OLD_FLAWS:
            for record in server.items(path):
                if record.text(flag[0]) == flag[1]:
                    yield _weak(record, rule, title, severity, where, cve)
        for record in server.items("robot.robotAttack"):
            if (record.text("resultEnum") or "").startswith("VULNERABLE"):
                yield _weak(record, "robot", "The server is vulnerable: ROBOT", "high", where, "CVE-2017-17382")


OLD_FLAWS = (
    ("heartbleed.openSslHeartbleed", ("isVulnerable", "True"), "heartbleed", "The server is vulnerable: Heartbleed",
     "high", "CVE-2014-0160"),
    ("openssl_ccs.openSslCcsInjection", ("isVulnerable", "True"), "openssl_ccs_injection",
     "The server is vulnerable: CCS injection", "high", "CVE-2014-0224"),
    ("reneg.sessionRenegotiation", ("isSecure", "False"), "insecure_renegotiation",
     "Secure renegotiation is not supported", "medium", "CVE-2009-3555"),
    ("reneg.sessionRenegotiation", ("canBeClientInitiated", "True"), "session_renegotiation",
     "The server is vulnerable: client renegotiation", "medium", None),
    ("compression.compressionMethod", ("isSupported", "True"), "tls_compression", "TLS compression (CRIME)", "medium",
     "CVE-2012-4929"),
    ("certinfo.certificateValidation.hostnameValidation", ("certificateMatchesServerHostname", "False"),
     "certificate_hostname", "The certificate is for another host", "medium", None),
)  # fmt: skip
"""Where version 1 has it, the attribute and value of a weak server, rule, title, severity, advisory."""


@reads("sslscan", lambda root: isinstance(root, XmlNode) and root.name == "document" and (
    "ssltest" in root or "SSLScan" in (root.text("title") or "")), kind="xml")  # fmt: skip
def sslscan(root: Node, ledger: Ledger) -> Iterator[Problem]:
    ledger.tool_version = root.text("version")
    ledger.expects(root, "ssltest")
    for server in root.items("ssltest"):
        where = f"{server.text('host')}:{server.text('port') or 443}"
        for record in server.items("heartbleed"):
            if record.text("vulnerable") == "1":
                title = f"The server is vulnerable: Heartbleed ({record.text('sslversion')})"
                yield _weak(record, "heartbleed", title, "high", where, "CVE-2014-0160")
        for record in server.items("protocol"):
            key = f"{record.text('type')}_{(record.text('version') or '').replace('.', '_')}"
            key = {"ssl_2": "ssl_2_0", "ssl_3": "ssl_3_0"}.get(key, key)
            if record.text("enabled") == "1" and key in OLD:
                yield _weak(record, f"{key}_enabled", f"{OLD[key][0]} is accepted", OLD[key][1], where, None)
        for record in server.items("cipher"):
            if record.text("strength") in ("weak", "null", "anonymous"):
                title = f"A weak cipher is accepted: {record.text('cipher')} ({record.text('sslversion')})"
                yield _weak(record, "weak_cipher", title, "medium", where, None)
        if server.at("compression").text("supported") == "1":
            yield _weak(
                server["compression"], "compression", "TLS compression (CRIME)", "medium", where, "CVE-2012-4929"
            )


@reads("ssh-audit", lambda report: report.has("banner", "kex", "enc", "mac"))
def ssh_audit(report: Node, ledger: Ledger) -> Iterator[Problem]:
    """Algorithms with a `fail` or a `warn`, and known vulnerabilities of the server's version."""
    where = report.text("target", "target_ip")
    for record in ledger.records(report, "cves"):
        yield Problem(
            record,
            "vulnerability",
            title=record.text("description", "name"),
            rule_id=record.text("name"),
            cvss_score=record.number("cvssv2"),
            ids=(record.text("name"),),
            url=where,
        )
    for kind in ("kex", "key", "enc", "mac"):
        for record in ledger.records(report, kind):
            fails, warns = record.texts("notes.fail"), record.texts("notes.warn")
            if not fails and not warns:
                ledger.skip("algorithm without a complaint")
                continue
            yield Problem(
                record,
                "misconfiguration",
                title=f"Weak {kind} algorithm: {record.text('algorithm')}",
                rule_id=f"{kind}:{record.text('algorithm')}",
                severity="high" if fails else "medium",
                severity_origin="notes.fail" if fails else "notes.warn",
                description="; ".join((*fails, *warns)),
                url=where,
            )
