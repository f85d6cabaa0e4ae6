"""Scans the sample application with real scanners; the reports go to handlers/demo/reports.

The scanners must be on PATH: bandit, semgrep, checkov, detect-secrets, hadolint, npm. Only npm needs a network, for the
packages' metadata: what it learns of vulnerabilities comes from advisories.json, served on loopback, so that a scan
gives the same report every day.
"""

import http.server
import json
import subprocess
import threading
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPORTS = HERE.parents[1] / "handlers" / "demo" / "reports"
TO_STDOUT = {
    "detect-secrets.json": ["detect-secrets", "scan", "--all-files", "api", "web/server.js", "deploy"],
    "hadolint.json": ["hadolint", "-f", "json", "deploy/Dockerfile"],
    "checkov.json": ["checkov", "-d", "deploy", "--framework", "all", "--quiet", "--compact", "-o", "json"],
}


def scan_code() -> None:
    """bandit and semgrep write their reports themselves; semgrep both its own form and SARIF."""
    run("bandit", "-q", "-r", "api", "-f", "json", "-o", str(REPORTS / "bandit.json"))
    options = ["--metrics", "off", "--disable-version-check", "--config", "semgrep-rules.yaml"]
    run("semgrep", "scan", *options, "--json", "-o", str(REPORTS / "semgrep.json"), ".")
    run("semgrep", "scan", *options, "--sarif", "-o", str(REPORTS / "semgrep.sarif"), ".")
    for name, command in TO_STDOUT.items():
        # Checkov names absolute paths: where this checkout lies is nobody's business.
        (REPORTS / name).write_bytes(run(*command).stdout.replace(str(HERE).encode(), b"/lendery"))


def scan_packages() -> None:
    """`npm audit` against a registry on loopback, which knows advisories.json and passes all else on."""
    upstream = run("npm", "config", "get", "registry").stdout.decode().strip().rstrip("/")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(upstream))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    registry = f"http://127.0.0.1:{server.server_port}"
    web = HERE / "web"
    run("npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", cwd=web)
    report = run("npm", "audit", "--json", "--registry", registry, cwd=web).stdout
    (REPORTS / "npm-audit.json").write_bytes(report)
    (web / "package-lock.json").unlink()
    server.shutdown()


def handler(upstream: str) -> type[http.server.BaseHTTPRequestHandler]:
    advisories = json.loads((HERE / "advisories.json").read_text())

    class Registry(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with urllib.request.urlopen(upstream + self.path) as answer:
                self.answer(answer.read())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.answer(json.dumps(advisories).encode())

        def answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    return Registry


def run(*command: str, cwd: Path = HERE) -> subprocess.CompletedProcess[bytes]:
    """A scanner that finds something exits with 1, so the status says nothing here."""
    return subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, check=False)


if __name__ == "__main__":
    scan_code()
    scan_packages()
