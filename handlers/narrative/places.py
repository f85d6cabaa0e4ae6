"""Narratives of what stands in one place: code, configuration, secrets, a running service, licences."""

from __future__ import annotations

from handlers.analysis.words import join
from handlers.narrative.phrasing import code
from handlers.narrative.strategies import strategy_words
from handlers.narrative.writer import Writer


class CodePlace(Writer):
    def what(self) -> str:
        return " ".join(filter(None, (self.opening(), self.flaw(), self.ids(), self.weakness(), self.others())))

    def opening(self) -> str:
        rule = self.subject.rule_id
        title = f": {self.subject.title}" if self.subject.title and not self.subject.rule else ""
        if not self.subject.spot:
            return self.say(
                "{tool} reports {rule} [without saying where|and names no place]{title}",
                tool=self.subject.tool,
                rule=code(rule) if rule else "a finding",
                title=title,
            )
        by_rule = (
            "[{tool} reports {rule} at {spot}|{rule} fires at {spot}|{spot} breaks {rule}|at {spot} {tool} finds "
            "{rule}]"
        )
        return self.say(
            (by_rule if rule else "{tool} [flags|reports|points at] {spot}") + "{title}",
            spot=self.subject.spot,
            tool=self.subject.tool,
            rule=code(rule or ""),
            title=title,
        )

    def flaw(self) -> str:
        """What is wrong: scantune's words for the rule, else the report's own, else the weakness's advice."""
        rule, advice = self.subject.rule, self.subject.advice
        if rule:
            return self.say(rule.flaw)
        if self.subject.told:
            return self.subject.told
        return self.say(advice.flaw) if advice else ""

    def ids(self) -> str:
        ids = self.subject.finding.ids
        return (
            self.say("[published as|advisory:|known as] {ids}", ids=join([code(each) for each in ids])) if ids else ""
        )

    def fix(self) -> str:
        rule, advice = self.subject.rule, self.subject.advice
        own = rule or advice
        said = self.subject.remedy if not rule else ""
        told = [said, self.say(own.fix) if own and not said else ""]
        text = " ".join(filter(None, told)) or strategy_words(self.subject)
        return text + "".join(self.change())

    def check(self) -> str:
        own = self.subject.rule or self.subject.advice
        tried = self.say(own.check) if own and own.check else ""
        again = self.scanned_again(self.gone())
        return " ".join(filter(None, (tried, again))) or self.say(
            "[scan again|repeat the scan]: {gone} [should no longer be reported|must not come back]",
            gone=self.gone(),
        )

    def gone(self) -> str:
        """What a new scan must not show, told apart from other rules at the same place."""
        rule, spot = self.subject.rule_id, self.subject.spot
        return " at ".join(filter(None, (code(rule) if rule else "", spot))) or "this entry"

    def doubt(self) -> str:
        unreached = self.subject.setting in ("test", "build", "workflow")
        if self.subject.finding.class_ != "code" or self.subject.finding.severity == "info" or unreached:
            return ""
        return self.say(
            "[the scanner can't see|the report doesn't show|the scan alone can't tell|only the callers "
            "show] [whether outside data gets here|whether a stranger's input arrives here|who can reach this place]"
        )


class SettingsPlace(CodePlace):
    def doubt(self) -> str:
        return ""


VERIFIED = "verified"
"""What TruffleHog says of a credential that it could log in with."""


class SecretPlace(CodePlace):
    def opening(self) -> str:
        rule = self.subject.finding.rule_id
        return self.say(
            "[{spot} holds|there is, in {spot},|{tool} found, in {spot},|{spot} contains] [what looks like a "
            "credential|a probable secret|something with the shape of a secret]{rule}",
            spot=self.subject.spot or "a place that the report does not name",
            tool=self.subject.tool,
            rule=f" ({code(rule)})" if rule else "",
        )

    def flaw(self) -> str:
        return self.say("[its value is left out here on purpose|the value itself is not repeated here]")

    def threat(self) -> str:
        return self.say(
            "[whoever reads the file or its history|anyone with a copy of the repository|every reader of the history] "
            "[can use it|may log in with it] [until it is revoked|for as long as it stays valid]"
        )

    def fix(self) -> str:
        return self.say(
            "[revoke it|have its issuer cancel it|invalidate it] [first|before anything else], "
            "[since deleting the line leaves it in the history|because old commits keep it]; [then|after that] "
            "[read the replacement from the environment or a secret store|have the program fetch the new one at start]"
        )

    def doubt(self) -> str:
        if self.subject.finding.severity_raw == VERIFIED:
            return self.say("[the scanner tried it, and it works|it works: the scanner has tried it]")
        return self.say("[the report can't tell whether it still works|whether it is still valid is not in the report]")

    def check(self) -> str:
        tried = self.say(
            "[try the old credential|use the old value once more] [and expect a refusal|and see it refused]"
        )
        return " ".join(filter(None, (tried, self.scanned_again(self.gone()))))


class ServicePlace(CodePlace):
    def doubt(self) -> str:
        return ""

    def opening(self) -> str:
        title, rule = self.subject.finding.title, self.subject.rule_id
        return self.say(
            "[{spot} answers with|seen at {spot}:|the scan of {spot} shows] {title}{rule}",
            spot=self.subject.spot or "the service",
            title=code(title) if title == rule else title,
            rule=self.subject.wording.say("[|, rule {rule}]", rule=code(rule)) if rule and title != rule else "",
        )


class LicencePlace(CodePlace):
    def gone(self) -> str:
        package = self.subject.finding.package
        return code(package.name) if package else super().gone()

    def opening(self) -> str:
        package = self.subject.finding.package
        return self.say(
            "[{tool} asks for a look at the licence of {name}|the licence of {name} needs a decision]: {title}",
            tool=self.subject.tool,
            name=code(package.name) if package else self.subject.spot or "a component",
            title=self.subject.title or code(self.subject.finding.rule_id or ""),
        )

    def threat(self) -> str:
        return self.say("[its terms bind you once you pass the product on|shipping it means accepting its terms]")

    def fix(self) -> str:
        return self.say(
            "[compare the licence with your own list of accepted ones|have the terms checked against how you ship]; "
            "[record the decision|write the outcome down], or [replace the component|choose another component]"
        )

    def check(self) -> str:
        return self.scanned_again(self.gone()) or self.say(
            "[scan again|repeat the scan] [after the decision|once decided]"
        )
