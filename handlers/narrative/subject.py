"""A finding with all that is known about it at hand, for those who put it into sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from handlers.analysis.words import impact_words, join, weaknesses
from handlers.clean import shorten
from handlers.knowledge.advice import Advice, RuleAdvice
from handlers.knowledge.cwe import Catalogue, Weakness
from handlers.knowledge.names import named_weaknesses
from handlers.knowledge.scanners import rescan_command, title_of
from handlers.knowledge.severity import Vector, explain_vector
from handlers.narrative.phrasing import Phrasing, code
from handlers.records import Analysis, Finding, Location

LONGEST_NAME = 5
"""Words of a rule's name."""
QUOTE = 320
"""Characters of the report's own description that a narrative repeats."""

_PLACES = (
    (r"(^|/)\.github/workflows/|\.gitlab-ci|azure-pipelines|Jenkinsfile", "workflow"),
    (r"(^|/)(node_modules|vendor|third_party|bower_components)/|\.min\.(js|css)$", "vendored"),
    (r"(^|/)(tests?|__tests__|spec|androidTest|testFixtures)/", "test"),
    (r"[-_.](test|spec)s?\.|(^|/)test_|Tests?\.(kt|java|cs)$", "test"),
    (r"(^|/)(docs?|examples?|samples?)/", "example"),
    (r"(^|/)(Dockerfile|Containerfile)[^/]*$|\.dockerfile$", "image"),
    (r"\.(tf|tfvars|bicep)$", "infrastructure"),
    (r"(lock|lock\.json|lockfile|lock\.yaml|go\.sum)$", "manifest"),
    (r"(^|/)(requirements[^/]*\.txt|package\.json|pom\.xml)$", "manifest"),
    (r"(^|/)(build\.gradle(\.kts)?|Makefile|setup\.py)$", "build"),
    (r"\.html\.(erb|haml|slim)$|\.(ejs|jsp|haml|twig)$", "template"),
    (r"(^|/)public/(?!.*\.php$)|\.(html?|vue|jsx|tsx)$", "page"),
    (r"\.(ya?ml|json|toml|ini|env|properties)$", "settings"),
)  # fmt: skip
_IMAGE = re.compile(r"([a-z0-9][a-z0-9._/-]*)(:[A-Za-z0-9][\w.-]*)?(@sha256:[0-9a-f]+)?((?: \([^)]*\))*)")
"""A name, a tag, a digest, and what a scanner says of the system in it."""
_GROUPS = ("OS Packages", "Node.js", "Java", "Python", "Ruby", "PHP", ".NET", "Loose File License(s)")
"""What Trivy names where others name a path."""
_OF_SYSTEM = ("deb", "rpm", "apk")
"""Packages of an operating system, which are scanned in an image or a root file system."""
_LISTING = re.compile(r"\b(?:Package|Installed Version|Fixed Version|Severity|Link|Vulnerability)\s*:", re.IGNORECASE)
"""Texts that only repeat the fields beside them."""
_NO_REMEDY = re.compile(
    r"\W*(?:introduced through|no (?:solution|fix|remediation)|n/?a\b|none\b|unknown\b|short description\b|"
    r"the scanner checks for\b|dependency \S+ version \S+ is using\b)",
    re.IGNORECASE,
)
_STATES_WHAT_IS_WANTED = ("kics",)
"""Tools whose advice is not what to do but what should be so."""
_ORDER = re.compile(r"(?:add|avoid|disable|drop|enable|remove|revoke|rotate|set|update|upgrade|use)\b", re.IGNORECASE)
_WHAT_FOR = tuple((re.compile(pattern, re.IGNORECASE), kind) for pattern, kind in _PLACES)


@dataclass(frozen=True)
class Subject:
    """One analysis, the catalogue, and the wording for it."""

    analysis: Analysis
    catalogue: Catalogue

    @property
    def finding(self) -> Finding:
        return self.analysis.finding

    @property
    def tool(self) -> str:
        """The scanner's name as its makers write it."""
        return title_of(self.finding.tool)

    @cached_property
    def wording(self) -> Phrasing:
        return Phrasing(f"{self.finding.fingerprint} {self.finding.pointer}")

    @cached_property
    def place(self) -> Location | None:
        return self.finding.locations[0] if self.finding.locations else None

    @cached_property
    def spot(self) -> str:
        """The place as a code span: `src/a.py:12`; dynamic findings: `GET host/path`; empty where there is none."""
        place = self.place
        if place is not None and place.url and (self.finding.class_ == "dast" or not place.path):
            method = f"{place.method or 'GET'} " if self.finding.class_ == "dast" else ""
            return code(method + place.url.split("://", 1)[-1])
        named = (place.path or place.symbol) if place else None
        if place is None or named is None:
            return code(self.finding.package.name) if self.finding.package else ""
        return code(f"{named}:{place.line}" if place.line and not self.image else named)

    @cached_property
    def setting(self) -> str:
        """What kind of file the place is, by its path alone: test, workflow, image, …; empty if nothing special."""
        path = self.place.path if self.place else None
        return next((kind for pattern, kind in _WHAT_FOR if path and pattern.search(path)), "")

    @cached_property
    def weaknesses(self) -> tuple[Weakness, ...]:
        return weaknesses(self.finding, self.catalogue)

    @cached_property
    def kinds(self) -> str:
        """All weaknesses of the report, each with its id."""
        named = {f"CWE-{each.id}": f"{each.common_name} ({code(f'CWE-{each.id}')})" for each in self.weaknesses}
        return join([named.get(each, code(each)) for each in self.finding.cwes])

    @cached_property
    def rule(self) -> RuleAdvice | None:
        return self.catalogue.rule(self.finding.tool, self.finding.rule_id)

    @cached_property
    def advice(self) -> Advice | None:
        """Of the first weakness that has some, itself or through its parents."""
        named = self.weaknesses or self._named_weaknesses()
        found = (self.catalogue.advised(each) for each in named)
        return next((advised[1] for advised in found if advised), None)

    def _named_weaknesses(self) -> Iterator[Weakness]:
        """Those that the report names in words, where it gives no CWE; the narrative then claims no id either."""
        said = f"{self.finding.title} {self.finding.rule_id or ''}"
        for number in named_weaknesses(said) if self.finding.class_ in ("code", "dast", "vulnerability") else ():
            known = self.catalogue.weakness(f"CWE-{number}")
            if known:
                yield known

    @cached_property
    def effect(self) -> str | None:
        """What an attacker can do, as a verb phrase: by the rule, the weakness's advice, or the catalogue's impacts."""
        own = next((advised for advised in (self.rule, self.advice) if advised), None)
        return own.effect if own else next(filter(None, map(impact_words, self.weaknesses)), None)

    @cached_property
    def vector(self) -> Vector | None:
        return explain_vector(self.finding.cvss_vector)

    @cached_property
    def told(self) -> str:
        """The report's own words about the problem beyond its title, shortened; empty for secrets."""
        text = self.finding.description or ""
        if self.finding.class_ == "secret" or _same(text, self.finding.title) or len(_LISTING.findall(text)) > 2:
            return ""
        return _ended(shorten(text, QUOTE))

    @cached_property
    def title(self) -> str:
        """The finding's title, if the report's own words below do not say it again."""
        title = self.finding.title
        return "" if title == self.rule_id or (self.told and _same(title, self.told)) else title

    @property
    def rule_id(self) -> str | None:
        """The rule by its name; some tools put a whole sentence there, which is none."""
        named = self.finding.rule_id
        return named if named and len(named.split()) <= LONGEST_NAME else None

    @cached_property
    def remedy(self) -> str:
        """What the report says should be done, if it says more than the title and the description."""
        text = self.finding.remediation or ""
        said = (self.finding.title, self.finding.description or "")
        listing = len(_LISTING.findall(text)) > 2 or "| --- |" in text
        names_only = len(text.split()) < 3 and not _ORDER.match(text)
        if listing or names_only or _NO_REMEDY.match(text) or any(_same(text, each) for each in said):
            return ""
        states = self.finding.tool in _STATES_WHAT_IS_WANTED and " should" not in text
        wanted = "See to it that " if states else ""
        return _ended(wanted + shorten(text, 2 * QUOTE))

    @cached_property
    def image(self) -> str | None:
        """The container image that the place is; scanners put its name where other findings have a path."""
        path = (self.place.path or self.place.symbol) if self.place else None
        scans_images = self.finding.tool.startswith(("trivy", "grype", "snyk"))
        found = _IMAGE.fullmatch(path) if path and scans_images and not self.setting else None
        if not found or PurePosixPath(found[1]).suffix or not (any(found.groups()[1:]) or self.of_system):
            return None
        return f"{found[1]}{found[2] or ''}{found[3] or ''}"

    @property
    def of_system(self) -> bool:
        """Whether the finding is about a package of the operating system."""
        package = self.finding.package
        return package is not None and package.ecosystem in _OF_SYSTEM

    @cached_property
    def rescan(self) -> str | None:
        """The scanner's own command for this place, as a code span."""
        path = self.place.path if self.place and not self.image else None
        if path in _GROUPS or (self.of_system and not self.image):
            return None
        url = self.place.url if self.place else None
        command = rescan_command(self.finding.tool, rule=self.finding.rule_id, path=path, image=self.image, url=url)
        return code(command) if command else None


def _ended(text: str) -> str:
    """As a sentence; a colon or comma at the end led to a link, which is gone."""
    text = text.rstrip(" :,;")
    return text if not text or text.endswith((".", "!", "?", "…")) else f"{text}."


def _same(text: str, title: str) -> bool:
    plain, short = (re.sub(r"\W+", " ", each).strip().lower() for each in (text, title))
    return not plain or plain in short
