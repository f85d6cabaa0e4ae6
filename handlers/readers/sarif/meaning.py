"""What a SARIF result means: does it state a problem, which, where, how bad."""

from __future__ import annotations

import re
from typing import Any

from handlers.readers import identifiers, tools
from handlers.readers.interface import Ledger, Problem
from handlers.readers.node import Node
from handlers.readers.sarif import model
from handlers.readers.sarif.packages import package_of
from handlers.readers.sarif.places import Places
from handlers.readers.sarif.rules import RuleFacts, Rules, strings, text_of

NO_PROBLEM = {"pass": "passed", "notapplicable": "not applicable", "informational": "informational"}
PROBLEM = ("fail", "open", "review")
LEVELS = ("error", "warning", "note", "none")
NOT_ACCEPTED = ("rejected", "underreview")
PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(\d+)\}")


class RunReader:
    """Reads the results of one run (3.14)."""

    def __init__(self, run: model.Run, ledger: Ledger) -> None:
        driver = (run.tool and run.tool.driver) or model.Component()
        self.tool = tools.canonical(driver.name)
        self.tool_version = driver.semantic_version or driver.version
        provenance = run.version_control_provenance or ()
        self._repository = next((each.repository_uri for each in provenance if each.repository_uri), None)
        self._rules = Rules(run, self.tool)
        self.places = Places(run, ledger)
        self._global_messages = driver.global_message_strings
        self._ledger = ledger
        if not driver.name:
            ledger.warn("a run does not say which tool wrote it")
        _judge_invocations(run, ledger)

    def problem(self, result: model.Result, record: Node) -> Problem | None:
        """The problem that a result states; None, and counted, if it states none."""
        kind = (result.kind or "fail").lower()
        if kind in NO_PROBLEM:
            self._ledger.skip(NO_PROBLEM[kind])
            return None
        if kind not in PROBLEM:
            self._ledger.warn(f"{record.pointer}/kind: {result.kind!r} is no SARIF kind: read as fail")
        if (result.baseline_state or "").lower() == "absent":
            self._ledger.leave_out("results that a baseline had and this scan has no more (baselineState absent)")
            return None
        return self._made(result, record)

    def _made(self, result: model.Result, record: Node) -> Problem:
        rule = self._rule_of(result, record)
        bag = result.properties
        rule_id = result.rule_id or (result.rule.id if result.rule else None) or rule.id
        message = self._message(result.message, rule, record)
        locations = self.places.of(result, record.pointer)
        severity, origin = self._severity(result, rule, record)
        suppressed, why = suppression(result.suppressions)
        package = package_of(self.tool, message)
        snippet = snippet_of(result.locations)
        own_cwes = (*self._rules.cwes(result.taxa or ()), *(strings(bag.cwe) if bag else ()), *_tags(bag, "cwe"))
        return Problem(
            record,
            "vulnerability" if package and rule.class_ == "code" else rule.class_,
            title=rule.title or (message or "").strip().partition("\n")[0][:200] or rule_id,
            rule_id=rule_id,
            severity=severity,
            severity_origin=origin,
            cwes=(*own_cwes, *rule.cwes) if own_cwes else rule.cwes,
            ids=rule.ids or identifiers.ids_in(rule_id),
            description=message or rule.full,
            remediation=_fixes(result.fixes) or rule.help,
            references=rule.references,
            snippet=snippet,
            locations=locations,
            package=package,
            suppressed=suppressed,
            suppression=why,
            secrets=(snippet,) if rule.class_ == "secret" else (),
            tool=self.tool,
            repository=self._repository,
        )

    def rule(self, result: model.Result) -> RuleFacts | None:
        return self._rules.find(result.rule_id, result.rule_index, result.rule)

    def _rule_of(self, result: model.Result, record: Node) -> RuleFacts:
        rule = self.rule(result)
        if rule is None:
            self._ledger.warn(f"{record.pointer}: its rule index leads to no rule of its id")
            return self._rules.unknown
        return rule

    def _severity(self, result: model.Result, rule: RuleFacts, record: Node) -> tuple[str | None, str]:
        """security-severity of the result or rule, else level (3.27.10: of the result, the rule, else warning)."""
        own = result.properties.security_severity if result.properties else None
        score = rule.score if own is None else str(own)
        if score is not None and _is_number(score):
            return score, "security-severity"
        level = result.level or rule.level
        if level is None:
            return ("warning", "level (default)") if (result.kind or "fail").lower() == "fail" else (None, "level")
        if level.lower() not in LEVELS:
            self._ledger.warn(f"{record.pointer}/level: {level[:40]!r} is no SARIF level")
        return level, "level"

    # messages (3.11)

    def _message(self, message: model.Message | None, rule: RuleFacts, record: Node) -> str | None:
        if message is None:
            self._ledger.warn(f"{record.pointer} has no message")
            return None
        text = message.text or message.markdown
        if not text and message.id:
            text = _lookup(rule.messages, message.id) or _lookup(self._global_messages, message.id)
            if text is None:
                self._ledger.warn(f"{record.pointer}/message: its rule has no text of the id {message.id[:80]!r}")
                return None
        return self._filled(text, message.arguments, record) if text and message.arguments else text

    def _filled(self, text: str, arguments: list[Any], record: Node) -> str:
        """Placeholders `{0}` filled with the arguments, `{{` and `}}` undone (3.11.5)."""

        def fill(match: re.Match[str]) -> str:
            if match[1] is None:
                return match[0][0]
            number = int(match[1][:6])
            if number < len(arguments):
                return str(arguments[number])
            self._ledger.warn(f"{record.pointer}/message: no argument for placeholder {match[0][:20]}")
            return match[0]

        return PLACEHOLDER.sub(fill, text)


def suppression(suppressions: list[model.Suppression] | None) -> tuple[bool, str | None]:
    """A result is suppressed if it has suppressions and none of them is rejected or under review (3.27.23, 3.35.3)."""
    if not suppressions:
        return False, None
    if any((each.status or each.state or "").lower() in NOT_ACCEPTED for each in suppressions):
        return False, None
    first = suppressions[0]
    return True, first.justification or first.kind


def _judge_invocations(run: model.Run, ledger: Ledger) -> None:
    """An unsuccessful invocation is a failed scan (3.20.14); error notifications are told (3.58.6)."""
    for invocation in run.invocations or ():
        if invocation.execution_successful is False:
            ledger.scan_failed(
                f"the tool's run was not successful: {invocation.exit_code_description or 'no reason given'}"
            )
        notes = (invocation.tool_execution_notifications or []) + (invocation.tool_configuration_notifications or [])
        for note in notes:
            if (note.level or "warning") == "error":
                ledger.warn(f"the tool reports an error: {(text_of(note.message) or 'without a message')[:300]}")


def _lookup(strings_by_id: Any, name: str) -> str | None:
    """A text of messageStrings (3.49.11), which map ids to multiformat messages; drafts have plain texts."""
    found = strings_by_id.get(name) if isinstance(strings_by_id, dict) else None
    if isinstance(found, dict):
        found = found.get("text") or found.get("markdown")
    return found if isinstance(found, str) else None


def snippet_of(locations: list[model.Location] | None) -> str | None:
    physical = locations[0].physical_location if locations else None
    region = physical.region if physical else None
    return text_of(region.snippet) if region and region.snippet else None


def _fixes(fixes: list[model.Fix] | None) -> str | None:
    return next((text for fix in fixes or () if (text := text_of(fix.description))), None)


def _tags(bag: model.Properties | None, word: str) -> tuple[str, ...]:
    return tuple(tag for tag in strings(bag.tags) if word in tag.lower()) if bag else ()


def _is_number(text: str) -> bool:
    try:
        return 0.0 <= float(text) <= 10.0
    except ValueError:
        return False
