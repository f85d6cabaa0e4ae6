"""kube-bench: its JSON and its text. Source: https://github.com/aquasecurity/kube-bench, check/controls.go. FAIL and
WARN state a problem; the benchmark gives no severity."""

from __future__ import annotations

import re
from collections.abc import Iterator

from handlers.readers.interface import Ledger, Problem, reads
from handlers.readers.node import Node
from handlers.readers.shapes import some


def claims(report: Node) -> bool:
    return any(some(report, "node_type", "tests", path=path) for path in ("", "Controls")) or some(
        report, "Controls", "Totals"
    )


@reads("kube-bench", claims)
def reader(report: Node, ledger: Ledger) -> Iterator[Problem]:
    for part in ledger.entries(report):
        for control in ledger.records(part, "Controls") if "Controls" in part else (part,):
            for section in ledger.records(control, "tests"):
                ledger.counted(sum(section.integer(each) or 0 for each in ("fail", "warn")), section["results"])
                for record in ledger.records(section, "results"):
                    status = (record.text("status") or "").upper()
                    if status in ("FAIL", "WARN"):
                        yield _problem(record, control)
                    else:
                        ledger.skip({"PASS": "passed", "INFO": "informational"}.get(status, "no status"))


def _problem(record: Node, control: Node) -> Problem:
    return Problem(
        record,
        "misconfiguration",
        title=record.text("test_desc"),
        rule_id=record.text("test_number"),
        description=f"{record.text('status')}: {record.text('reason') or record.text('audit') or 'no details'}",
        remediation=record.text("remediation"),
        symbol=control.text("node_type"),
    )


LINE = re.compile(r"^\[(PASS|FAIL|WARN|INFO)\] (\d+(?:\.\d+)+)\s+(?!- )(\S.*)$", re.MULTILINE)
"""`[FAIL] 1.1.12 Ensure that …`; sections have an INFO line of their own."""
COLOURS = re.compile(r"\x1b\[[\d;]*m")


@reads("kube-bench-text", lambda text: len(LINE.findall(COLOURS.sub("", text.value[:20_000]))) > 0, kind="text",
       tool="kube-bench")  # fmt: skip
def text_reader(text: Node, ledger: Ledger) -> Iterator[Problem]:
    """The remediation of a check stands below all checks, in a paragraph that begins with its number."""
    checks, _, below = COLOURS.sub("", text.value).replace("\r", "").partition("== Remediations")
    remedies = dict(re.findall(r"^(\d+(?:\.\d+)+) (.+?)(?:\n\n|\Z)", below, re.MULTILINE | re.DOTALL))
    for number, (state, check, words) in enumerate(LINE.findall(checks + below)):
        if state in ("PASS", "INFO"):
            ledger.skip("passed" if state == "PASS" else "informational")
            continue
        yield Problem(
            Node(words, text, number),
            "misconfiguration",
            title=words,
            rule_id=check,
            description=state,
            remediation=remedies.get(check),
        )
