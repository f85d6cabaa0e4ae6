"""SARIF 1.0.0 and the drafts of 2.0.0, brought into the shape of 2.1.0 (only what findings are made of).

1.0.0: http://json.schemastore.org/sarif-1.0.0; 2.0.0: https://docs.oasis-open.org/sarif/sarif/v2.0/csprd01/
"""

from __future__ import annotations

from typing import Any

KINDS = {"pass": "pass", "notApplicable": "notApplicable", "open": "open"}
"""Levels of the older versions that became kinds."""

Json = dict[str, Any]


def upgrade(run: Json) -> Json:
    """A run of an older version in the shape of 2.1.0. Objects that have that shape already are left as they are."""
    upgraded = dict(run)
    tool = run.get("tool")
    if isinstance(tool, dict) and "driver" not in tool:
        upgraded["tool"] = {"driver": {**tool, "rules": _rules(run)}}
    if isinstance(run.get("files"), dict) and "artifacts" not in run:
        upgraded["artifacts"] = [{"location": {"uri": uri}} for uri in run["files"]]
    if isinstance(run.get("logicalLocations"), dict):
        upgraded.pop("logicalLocations")
    if isinstance(run.get("results"), list):
        upgraded["results"] = [_result(each) if isinstance(each, dict) else each for each in run["results"]]
    return upgraded


def _rules(run: Json) -> list[Any]:
    resources = run.get("resources")
    rules = resources.get("rules") if isinstance(resources, dict) else run.get("rules")
    if isinstance(rules, dict):
        rules = [{"id": name, **rule} for name, rule in rules.items() if isinstance(rule, dict)]
    return [_rule(each) for each in rules if isinstance(each, dict)] if isinstance(rules, list) else []


def _rule(rule: Json) -> Json:
    texts: Json = {key: _message(rule[key]) for key in ("shortDescription", "fullDescription", "help") if key in rule}
    strings = rule.get("messageFormats") or rule.get("messageStrings") or {}
    strings = {key: _message(value) for key, value in strings.items()} if isinstance(strings, dict) else {}
    configuration = rule.get("configuration")
    level = rule.get("defaultLevel") or (configuration.get("defaultLevel") if isinstance(configuration, dict) else None)
    name = _text(rule.get("name"))
    return {**rule, **texts, "name": name, "messageStrings": strings, "defaultConfiguration": {"level": level}}


def _text(value: Any) -> Any:
    return value.get("text") if isinstance(value, dict) else value


def _message(value: Any) -> Any:
    if isinstance(value, dict):
        return {**value, "id": value.get("id") or value.get("messageId")}
    return {"text": value}


def _result(result: Json) -> Json:
    upgraded = dict(result)
    level = result.get("level")
    if level in KINDS:
        upgraded["kind"], upgraded["level"] = KINDS[level], None
    upgraded["ruleId"] = result.get("ruleId") or result.get("ruleKey")
    upgraded["message"] = _result_message(result)
    if isinstance(result.get("locations"), list):
        upgraded["locations"] = [_location(each) if isinstance(each, dict) else each for each in result["locations"]]
    states = result.get("suppressionStates")
    if isinstance(states, list) and states:
        upgraded["suppressions"] = [{"kind": state} for state in states if isinstance(state, str)]
    return upgraded


def _result_message(result: Json) -> Any:
    formatted = result.get("formattedRuleMessage")
    if isinstance(formatted, dict) and not result.get("message"):
        return {"id": formatted.get("formatId"), "arguments": formatted.get("arguments")}
    message = _message(result.get("message"))
    return {**message, "id": message.get("id") or result.get("ruleMessageId")}


def _location(location: Json) -> Json:
    """1.0 names files `resultFile` and `analysisTarget`, 2.0 `fileLocation`."""
    physical = next(
        (location[key] for key in ("physicalLocation", "resultFile", "analysisTarget") if location.get(key)), None
    )
    upgraded = dict(location)
    name = location.get("fullyQualifiedLogicalName")
    if isinstance(name, str):
        upgraded["logicalLocations"] = [{"fullyQualifiedName": name}]
    if isinstance(physical, dict):
        file = physical.get("artifactLocation") or physical.get("fileLocation") or {"uri": physical.get("uri")}
        upgraded["physicalLocation"] = {**physical, "artifactLocation": file}
    return upgraded
