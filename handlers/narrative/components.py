"""Narratives of known vulnerabilities in components."""

from __future__ import annotations

import re

from handlers.analysis.words import is_called, join
from handlers.clean import shorten
from handlers.knowledge.ecosystems import Ecosystem, find_ecosystem, installed_command, pin_line, upgrade_command
from handlers.knowledge.upgrades import fix_in_words
from handlers.narrative.phrasing import code
from handlers.narrative.subject import QUOTE, Subject
from handlers.narrative.writer import Writer
from handlers.records import Package

MOST_OTHERS = 3
"""Fixed versions that are named beside the one to take."""


MALICIOUS = "CWE-506"
"""Embedded malicious code."""
_EPOCH = re.compile(r"^\d+:")
"""Stands before an RPM's version in advisories; `rpm -q` leaves it out."""


class Component(Writer):
    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        package = subject.finding.package
        assert package is not None, "narratives of components need a package"
        self.package: Package = package
        manifest = subject.place.path if subject.place else None
        self.copied = manifest if manifest and package.ecosystem == "npm" and manifest.endswith((".js", ".mjs")) else ""
        self.ecosystem: Ecosystem | None = find_ecosystem(None if self.copied else package.ecosystem, manifest)
        self.advisory = code(subject.finding.advisory) if subject.finding.advisory else "this entry"
        self.named = code(f"{package.name} {package.version}" if package.version else package.name)

    def what(self) -> str:
        title = self._headline()
        if not self.subject.finding.ids:
            opening = self.say("{package}: {title}", package=self.named, title=title or self.subject.finding.title)
            return " ".join(filter(None, (opening, self._told(title), self.weakness())))
        opening = self.say(
            "[{package} is affected by {advisory}|{advisory} applies to {package}|{package} has a published "
            "flaw, {advisory}|"
            "{package} is exposed to {advisory}|{advisory} hits {package}]{title}",
            package=self.named,
            advisory=self.advisory,
            title=f": {title}" if title else "",
        )
        return " ".join(filter(None, (opening, self._told(title), self._aliases(), self.weakness())))

    def _headline(self) -> str:
        """The title without the ids and package name that stand beside it anyway."""
        title = self.subject.finding.title
        for known in (*self.subject.finding.ids, self.subject.finding.rule_id or ""):
            title = re.sub(rf"^\W*{re.escape(known)}\b\W*", "", title) if known else title
        title = title.removeprefix(f"{self.package.name}: ")
        title = title.strip(" .…:-[]")
        said = self.subject.told.lower().startswith(title.lower())
        return title if len(title.split()) > 2 and not said and not title.startswith("in ") else ""

    def _told(self, title: str) -> str:
        told = self.subject.told
        return told if told and told.rstrip(".") != title else ""

    def _aliases(self) -> str:
        others = [code(each) for each in self.subject.finding.ids if each != self.subject.finding.advisory]
        return (
            self.say(
                "[it is also known as|also published as|{more}] {others}",
                more="another name for it is" if len(others) == 1 else "other names for it are",
                others=join(others),
            )
            if others
            else ""
        )

    def threat(self) -> str:
        vector = self.subject.vector
        if vector is None:
            return super().threat()
        return self.say(
            "[it can be exploited|an attacker can exploit it|an attack works] {reach}"
            "[, which means|, with|, and it means] {stakes}",
            reach=vector.reach,
            stakes=vector.stakes,
        )

    def surroundings(self) -> str:
        if not self.subject.place:
            return ""
        if not (self.subject.place.path or self.subject.place.url):
            return self.say("[the report points at|named there:] {spot}", spot=self.subject.spot)
        return self.say(
            "[it comes with|found in|listed in|it enters through|recorded in] {spot}", spot=self.subject.spot
        ) + (f" {more}" if (more := self.others()) else "")

    def doubt(self) -> str:
        if self.malicious:
            return self.say(
                "it [may have run|can have run] when it was installed, [called or not|even if nothing calls it]"
            )
        if is_called(self.subject.finding):
            return self.say("[the scan traced a call to it|a call to it was traced] from there")
        return self.say(
            "[nothing in the report says|the scan can't tell|the report leaves open|you still have to find out|the "
            "report doesn't show] "
            "[whether your code ever calls|whether anything of yours calls|whether you use|how far you use] "
            "[the affected part|that part of it|the flawed function|what is broken]"
        )

    @property
    def malicious(self) -> bool:
        """Whether the package is not flawed but hostile: then no version mends what it has done."""
        finding = self.subject.finding
        return MALICIOUS in finding.cwes or any(each.startswith("MAL-") for each in finding.ids)

    def fix(self) -> str:
        if self.malicious:
            return self.say(
                "[remove|uninstall] {name} [at once|without delay] from every project, image and machine that "
                "installed it, and [rotate|replace] every credential that [they could read|was within its reach]: "
                "[removing it undoes nothing that it did|what it has already done stays done]",
                name=code(self.package.name),
            )
        return self._upgrade() if self.package.fixed_versions else self._no_fix()

    def _upgrade(self) -> str:
        target = self.subject.analysis.target
        versions = join([code(each) for each in ([target] if target else self.package.fixed_versions)], "or")
        command = self._command(target)
        upgrade = self.say(
            "[raise|move|bring|take|lift] {name} [to|up to] {versions}{command}",
            name=code(self.package.name),
            versions=versions,
            command=f": {command}" if command else "",
        )
        parts = upgrade, self._in_file(), self._other_branches(target), self._pin(target), self._in_image()
        return " ".join(filter(None, parts))

    def _in_file(self) -> str:
        """What a scan found as a script's text, no package manager brought by this name."""
        if not self.copied:
            return ""
        return self.say(
            "[{file} is a copy|this copy lies in {file}]: [put the newer file in its place|exchange the file], or "
            "update [what ships it|the product that brings it]",
            file=code(self.copied),
        )

    def _command(self, target: str | None) -> str:
        command = upgrade_command(self.ecosystem, self.package.name, target) if self.ecosystem else None
        return code(command) if command else ""

    def _other_branches(self, target: str | None) -> str:
        rest = [code(each) for each in self.package.fixed_versions if each != target]
        if len(rest) > MOST_OTHERS:
            rest = [*rest[:MOST_OTHERS], f"{len(rest) - MOST_OTHERS} more"]
        if not target or not rest:
            return ""
        return self.say(
            "[fixed as well in|it is also repaired in|on other branches take|{more}] {rest}",
            more="another fixed version is" if len(rest) == 1 else "other fixed versions are",
            rest=join(rest),
        )

    def _pin(self, target: str | None) -> str:
        line = pin_line(self.ecosystem, self.package.name, target) if self.ecosystem else None
        if not line:
            return ""
        return self.say(
            "[if another dependency pulls it in, pin it with|a transitive copy is held by|for a transitive copy write|"
            "where it comes in indirectly, add] {line}",
            line=code(line),
        )

    def _in_image(self) -> str:
        if not self.subject.of_system:
            return ""
        return self.say(
            "[in an image:|for containers:|inside a container image,] [rebuild on a refreshed base|rebuild with "
            "the updated base]"
        )

    def _no_fix(self) -> str:
        remedy = self.subject.remedy
        told = fix_in_words(self.subject.finding)
        if told and told == self.subject.finding.remediation:
            return self._headed("report's advice", remedy)
        if told:
            said = self._headed("report's own words", shorten(told, QUOTE))
            return " ".join(filter(None, (said, self._headed("scanner's advice", remedy))))
        latest = self._command(None)
        wait = self.say(
            "[no fixed version is on record|the report lists no repaired release|there is no fixed version in "
            "the report|"
            "a repaired version is not named]{later}",
            later=self.subject.wording.say(
                "[; once there is one,|; when one appears:|; later] {command}", command=latest
            )
            if latest
            else "",
        )
        meanwhile = self.say(
            "[until then|meanwhile|for now] [drop|remove|uninstall] {name} [if nothing needs it|where it is not "
            "needed], "
            "[or keep untrusted input away from it|else let no outside data reach it|or accept the risk in writing]",
            name=code(self.package.name),
        )
        return " ".join(filter(None, (wait, self._headed("scanner's advice", remedy), meanwhile)))

    def _headed(self, whose: str, remedy: str) -> str:
        return self.say("the {whose}: {remedy}", whose=whose, remedy=remedy) if remedy else ""

    def check(self) -> str:
        installed = installed_command(self.ecosystem, self.package.name) if self.ecosystem else None
        target = self.subject.analysis.target
        if installed and self.malicious:
            seen = self.say("{command} [must not list it|has to come back without it]", command=code(installed))
        elif installed and target:
            seen = self.say(
                "{command} [should show|must answer|has to print|ought to give] {target} [or newer|or later|at least]",
                command=code(installed),
                target=code(_EPOCH.sub("", target) if self.package.ecosystem == "rpm" else target),
            )
        elif installed:
            seen = self.say(
                "{command} [shows what is installed|tells the installed version|answers with the version]",
                command=code(installed),
            )
        else:
            seen = ""
        again = self.scanned_again(self.advisory)
        return " ".join(filter(None, (seen, again))) or self.say(
            "[scan again|repeat the scan]: {advisory} [must no longer be listed|should be gone from the report]",
            advisory=self.advisory,
        )
