"""What all writers of narratives share: four sections, each a few sentences from facts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from handlers.analysis.words import join
from handlers.narrative.phrasing import block, code
from handlers.narrative.subject import Subject

SETTINGS = {
    "test": (
        "[the path says test code|by its path this is test code|it lies among the tests], so [production is "
        "touched at most indirectly|weigh it lower unless the same pattern is in production]"
    ),
    "workflow": (
        "[this file runs on the build machine|the build service executes this file], [where publishing "
        "rights and tokens are at hand|next to the project's tokens]"
    ),
    "image": "[whatever is built from this file|every image made from it] [inherits it|carries it along]",
    "vendored": (
        "[the file is somebody else's code|this is a vendored copy], so [update the copy rather than "
        "patching it|the repair belongs upstream]"
    ),
    "example": (
        "[by its path this is an example|the file is documentation or a sample]; [examples get copied|"
        "readers will copy it]"
    ),
    "infrastructure": "[every apply|each deployment] [rolls it out again|puts it in place anew]",
    "build": (
        "[this is a build script|the file only steers the build], so [first see whether the rule means this "
        "line at all|look whether the match is meant seriously here]"
    ),
    "template": "[visitors' browsers get|a visitor's browser gets] what this template [renders|writes]",
    "page": "[the file ends up in the browser|visitors' browsers load it]",
}
"""Why a kind of place matters."""


class Writer(ABC):
    """Writes about one subject. Texts come from the report, the catalogue's fields and scantune's advice."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.say = subject.wording.sentence

    @abstractmethod
    def what(self) -> str:
        """What it is."""

    @abstractmethod
    def fix(self) -> str:
        """How to fix it."""

    @abstractmethod
    def check(self) -> str:
        """How to see that it is fixed."""

    def why(self) -> str:
        """Why it matters in this place."""
        return " ".join(
            filter(None, (self.threat(), self.surroundings(), self.severity(), self.exploited(), self.doubt()))
        )

    def threat(self) -> str:
        effect = self.subject.effect
        if not effect:
            return ""
        return self.say(
            "[an attacker could|an intruder could|this would let an attacker|it gives an attacker a way to|"
            "whoever abuses it can] {effect}",
            effect=self.subject.wording.say(effect),
        )

    def surroundings(self) -> str:
        told = SETTINGS.get(self.subject.setting)
        return self.say(told) if told else ""

    def severity(self) -> str:
        """The severity and who said it; if the report gives none, that is said."""
        finding, tool = self.subject.finding, self.subject.tool
        if finding.severity == "unknown":
            return self.say(
                "[{tool} gives no severity|no severity comes with it|the report leaves the severity open]", tool=tool
            )
        raw = (
            finding.severity_raw if finding.severity_raw and finding.severity_raw.lower() != finding.severity else None
        )
        origin = f" ({code(f'{finding.severity_origin}: {raw}')})" if finding.severity_origin and raw else ""
        return self.say(
            "[{tool} rates it|{tool} puts its severity at|its severity, going by {tool}, is|in the report its severity "
            "is] {severity}{origin}",
            tool=tool,
            severity=finding.severity,
            origin=origin,
        )

    def exploited(self) -> str:
        """What KEV and EPSS say, if the analysis had them."""
        return " ".join(f"{each}." for each in self.subject.analysis.exploited)

    def doubt(self) -> str:
        """What a person has to find out, because the report can't know it."""
        return ""

    def weakness(self) -> str:
        """The classes of weakness, if the report names any."""
        kinds, owasp = self.subject.kinds, self.subject.analysis.owasp
        if not kinds:
            return ""
        listed = join([code(each) for each in owasp])
        filed = self.subject.wording.say("[, OWASP {owasp}|; OWASP: {owasp}]", owasp=listed) if owasp else ""
        return self.say(
            "[it is a case of|the weakness is|it is classed as|this is|it counts as] {kinds}{filed}",
            kinds=kinds,
            filed=filed,
        )

    def others(self) -> str:
        """How many more places the finding has."""
        more = len(self.subject.finding.locations) - 1
        if more < 1:
            return ""
        return self.say(
            "[the same holds for|also at|likewise] {more} other place{s}", more=str(more), s="s" if more > 1 else ""
        )

    def change(self) -> Iterator[str]:
        """The rule's configuration or code as it should stand."""
        rule = self.subject.rule
        if rule and rule.change:
            yield block(rule.change, rule.language)

    def scanned_again(self, gone: str) -> str:
        rescan = self.subject.rescan
        if not rescan:
            return ""
        return self.say(
            "[then {rescan} should no longer report|run {rescan} again: it should not list|finish with {rescan}, which "
            "must not show|a new run of {rescan} has to come back without] {gone}",
            rescan=rescan,
            gone=gone,
        )
