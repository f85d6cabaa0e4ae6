"""The rules of a run, each digested once: a result then only looks up what its rule says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from handlers.readers import identifiers, tools
from handlers.readers.sarif.model import Component, DescriptorReference, Message, Rule, Run
from handlers.records import Class


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """What a rule says of all its results."""

    id: str | None = None
    title: str | None = None
    level: str | None = None
    score: str | None = None  # security-severity
    cwes: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    remediation: str | None = None
    full: str | None = None
    help: str | None = None
    references: tuple[str, ...] = ()
    messages: Any = None  # messageStrings
    class_: Class = "code"


class Rules:
    """Looks up the rule of a result by index, id or guid, in the driver or an extension (3.27.5 - 3.27.7, 3.52)."""

    def __init__(self, run: Run, tool: str) -> None:
        driver = (run.tool and run.tool.driver) or Component()
        self._components = [driver, *((run.tool and run.tool.extensions) or [])]
        self._facts = [[_facts(rule, tool) for rule in each.rules or []] for each in self._components]
        self._by_id = {rule.id: rule for rules in reversed(self._facts) for rule in reversed(rules) if rule.id}
        self._by_guid = {
            rule.guid: facts
            for each, rules in zip(self._components, self._facts, strict=True)
            for rule, facts in zip(each.rules or [], rules, strict=True)
            if rule.guid
        }
        self._taxonomies = run.taxonomies or []
        self.unknown = RuleFacts(class_=tools.class_of(tool))

    def find(self, rule_id: str | None, index: int | None, reference: DescriptorReference | None) -> RuleFacts | None:
        """The rule, or None if an index is given that leads nowhere."""
        rules = self._facts[0]
        if reference is not None:
            if reference.guid in self._by_guid:
                return self._by_guid[reference.guid]
            rules = self._rules_of(reference)
            index = reference.index if reference.index is not None else index
            rule_id = rule_id or reference.id
        if index is not None and index >= 0:
            found = rules[index] if index < len(rules) else None
            # An index that contradicts the id is a fault of the tool: the id is what people read.
            if found is not None and (rule_id is None or found.id is None or _belongs(rule_id, found.id)):
                return found
            return self._named(rule_id)
        return self._named(rule_id) or self.unknown

    def _named(self, rule_id: str | None) -> RuleFacts | None:
        """A rule by its id, or by the parent of a hierarchical id (3.52.4: `CA1000/1`)."""
        while rule_id:
            if rule_id in self._by_id:
                return self._by_id[rule_id]
            rule_id = rule_id.rpartition("/")[0]
        return None

    def _rules_of(self, reference: DescriptorReference) -> list[RuleFacts]:
        component = reference.tool_component
        if component is None:
            return self._facts[0]
        if component.index is not None and 0 <= component.index < len(self._components) - 1:
            return self._facts[component.index + 1]
        for each, rules in zip(self._components, self._facts, strict=True):
            if (component.guid and each.guid == component.guid) or (component.name and each.name == component.name):
                return rules
        return self._facts[0]

    def cwes(self, taxa: Iterable[DescriptorReference]) -> tuple[str, ...]:
        """The CWEs among a result's taxa (3.27.8)."""
        return tuple(dict.fromkeys(each for reference in taxa for each in self._cwe(reference)))

    def _cwe(self, reference: DescriptorReference) -> tuple[str, ...]:
        name = reference.id
        component = reference.tool_component
        if component is not None and component.index is not None and reference.index is not None and name is None:
            taxonomy = self._taxonomies[component.index : component.index + 1]
            taxa = (taxonomy[0].taxa or []) if taxonomy and component.index >= 0 else []
            name = taxa[reference.index].id if 0 <= reference.index < len(taxa) else None
        return cwe_of(name, component.name if component else None)


def cwe_of(name: str | None, taxonomy: str | None) -> tuple[str, ...]:
    """A taxon's CWE: its id names one, or it is a number of a taxonomy called CWE."""
    if name and name.isdigit():
        return identifiers.cwes(name) if (taxonomy or "").upper().startswith("CWE") else ()
    return identifiers.cwes(name)


def text_of(message: Message | None) -> str | None:
    return (message.text or message.markdown) if message else None


def strings(value: Any) -> tuple[str, ...]:
    """The texts in a value that is a text, a list of texts, or something else (then none)."""
    each = value if isinstance(value, list) else [value]
    return tuple(one for one in each if isinstance(one, str))


def _belongs(rule_id: str, parent: str) -> bool:
    return rule_id == parent or rule_id.startswith(f"{parent}/")


def _facts(rule: Rule, tool: str) -> RuleFacts:
    bag = rule.properties
    tags = strings(bag.tags) if bag else ()
    score = bag.security_severity if bag else None
    help_text = text_of(rule.help)
    title = text_of(rule.short_description) or rule.name or _first_line(text_of(rule.full_description))
    names = (rule.id, rule.name, *(rule.deprecated_ids or ()), *(strings(bag.cve) if bag else ()))
    return RuleFacts(
        id=rule.id,
        title=title,
        level=rule.default_configuration.level if rule.default_configuration else None,
        score=None if score is None else str(score),
        cwes=tuple(dict.fromkeys(_rule_cwes(rule, tags))),
        ids=identifiers.ids_in(*names),
        full=text_of(rule.full_description),
        help=help_text if help_text != title else None,
        references=(rule.help_uri,) if rule.help_uri else (),
        messages=rule.message_strings,
        class_=tools.class_of(tool, tags),
    )


def _rule_cwes(rule: Rule, tags: tuple[str, ...]) -> Iterator[str]:
    bag = rule.properties
    if bag:
        yield from identifiers.cwes(bag.cwe)
        yield from identifiers.cwes(bag.cwes)
    for tag in tags:
        yield from identifiers.cwes(tag) if "cwe" in tag.lower() else ()
    for relationship in rule.relationships or ():
        target = relationship.target
        if target is not None:
            yield from cwe_of(target.id, target.tool_component.name if target.tool_component else None)


def _first_line(text: str | None) -> str | None:
    return text.strip().partition("\n")[0] if text and text.strip() else None
