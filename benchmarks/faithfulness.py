"""How true narratives are to their findings, over a corpus of real reports.

    python benchmarks/faithfulness.py [CORPUS] [--backend rules|mlx] [--model DIR [--tuned]] [--at-most N]

CORPUS is a folder of reports (default: ../shared/artifacts beside the checkout). For each finding that is read:

id hallucination     of the advisory ids in the narrative, the share that the finding does not have: must be 0
id recall            of the finding's advisory ids, the share that the narrative names: should be 1
CWE exact            share of narratives that name exactly the finding's weaknesses, no more and no less
fixed version        of findings with fixed versions, the share whose fix names one of them and none but them; where the
                     ecosystem's order says so, the smallest above the installed one
severity agreement   share of narratives that state the finding's severity and no other; none, where the report has none
secret leak          of the secrets that stand in the reports (gitleaks' Secret and Match, TruffleHog's Raw and
                     stringsFound, …), the share found in any narrative or analysis: must be 0

Of a model's backend the last lines count the texts that the gate refused, by reason: there the rules' text stands.
Everything is counted on the cleaned finding; ids are looked for by their published shapes, independently of the gate.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import msgspec

from config.settings import Settings
from handlers.analysis.rules import analyse
from handlers.clean import clean_finding
from handlers.knowledge.catalogue import open_catalogue
from handlers.knowledge.cwe import Catalogue
from handlers.narrative.rules import narrate
from handlers.readers import read_report
from handlers.records import Analysis, Narrative, Origin

IDS = re.compile(r"\b(?:CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3}|(?:RUSTSEC|PYSEC|GO)-\d{4}-\d+)\b", re.IGNORECASE)
CWES = re.compile(r"\bCWE-\d+\b")
LEVELS = re.compile(r"\b(critical|high|medium|low|info)\b(?! impact| privileges| quality| level|-level)")
VERSIONS = re.compile(r"`([^`\s]+)`")
SECRET_KEYS = {"Secret", "Match", "Raw", "RawV2", "secret", "stringsFound", "Offender", "offender"}
SHORTEST_SECRET = 8

Narrator = Callable[[Sequence[Analysis]], Sequence[Narrative]]


@dataclass
class Share:
    """good of all."""

    good: int = 0
    all: int = 0

    def count(self, good: int, out_of: int = 1) -> None:
        self.good += good
        self.all += out_of

    def __str__(self) -> str:
        return f"{self.good / self.all:7.4f}  ({self.good} of {self.all})" if self.all else "   none"


@dataclass
class Figures:
    narratives: int = 0
    hallucination: Share = field(default_factory=Share)
    recall: Share = field(default_factory=Share)
    cwe: Share = field(default_factory=Share)
    fixed: Share = field(default_factory=Share)
    severity: Share = field(default_factory=Share)
    leak: Share = field(default_factory=Share)
    origins: dict[str, int] = field(default_factory=dict)
    gate: Counter[str] = field(default_factory=Counter)  # what became of a model's texts

    @property
    def faithful(self) -> bool:
        exact = (self.recall, self.cwe, self.fixed, self.severity)
        return not self.hallucination.good and not self.leak.good and all(each.good == each.all for each in exact)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, nargs="?", default=Path(__file__).parents[2] / "shared" / "artifacts")
    parser.add_argument("--backend", choices=["rules", "mlx"], default="rules")
    parser.add_argument("--model", type=Path, help="the model's folder, for --backend mlx")
    parser.add_argument("--tuned", action="store_true", help="the model was trained on narratives")
    parser.add_argument("--at-most", type=int, default=sys.maxsize, metavar="N", help="findings of each report")
    args = parser.parse_args()
    if not args.corpus.is_dir():
        print(f"there is no corpus at {args.corpus}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as workspace:
        catalogue = open_catalogue(Path(workspace))
        gate = Counter[str]()
        write = narrator(args.backend, args.model, args.tuned, catalogue, gate)
        figures = measure(args.corpus, catalogue, write, args.at_most)
        figures.gate = gate
    show(figures)
    return 0 if figures.faithful else 1


def narrator(backend: str, model: Path | None, tuned: bool, catalogue: Catalogue, gate: Counter[str]) -> Narrator:
    def by_rules(analyses: Sequence[Analysis]) -> Sequence[Narrative]:
        return [narrate(each, catalogue) for each in analyses]

    if backend == "rules":
        return by_rules
    from handlers.generation import Generator
    from handlers.narrative.model import write_narratives

    if model is None:
        raise SystemExit("--backend mlx needs --model DIR")
    generator, origin = Generator(model), Origin(kind="model", version=model.name, generation=1)

    def by_model(analyses: Sequence[Analysis]) -> Sequence[Narrative]:
        written, counts = write_narratives(by_rules(analyses), catalogue, generator, origin, tuned=tuned)
        gate.update(counts)
        return written

    return by_model


def measure(corpus: Path, catalogue: Catalogue, write: Narrator, at_most: int) -> Figures:
    figures, limits = Figures(), Settings().limits
    for report in sorted(each for each in corpus.rglob("*") if each.is_file() and each.suffix != ".zip"):
        reading = read_report(report, limits)
        if not reading.findings:
            continue
        findings = [clean_finding(each, limits.max_text) for each in islice(reading.findings, at_most)]
        narratives = write([analyse(each, catalogue) for each in findings])
        secrets = set(planted_secrets(report))
        for narrative in narratives:
            weigh(narrative, figures)
        told = "\n".join(msgspec.json.encode(each).decode() for each in narratives)
        figures.leak.count(sum(json.dumps(each)[1:-1] in told for each in secrets), len(secrets))
    return figures


def weigh(narrative: Narrative, figures: Figures) -> None:
    finding = narrative.analysis.finding
    text = "\n".join((narrative.what, narrative.why, narrative.fix, narrative.check))
    own_words = f"{finding.title} {finding.description} {finding.remediation} {finding.rule_id}"
    written = {each.upper() for each in IDS.findall(text)}
    known = {each.upper() for each in (*finding.ids, *IDS.findall(own_words))}
    figures.narratives += 1
    figures.origins[narrative.origin.kind] = figures.origins.get(narrative.origin.kind, 0) + 1
    figures.hallucination.count(len(written - known), len(written))
    figures.recall.count(sum(each.upper() in text.upper() for each in finding.ids), len(finding.ids))
    figures.cwe.count(
        set(CWES.findall(text)) - set(CWES.findall(own_words)) <= set(finding.cwes) <= set(CWES.findall(text))
    )
    weigh_fix(narrative, figures)
    levels = set(LEVELS.findall(re.sub(r"`[^`]*`", "", narrative.why).lower()))
    figures.severity.count(levels == (set() if finding.severity == "unknown" else {finding.severity}))


def weigh_fix(narrative: Narrative, figures: Figures) -> None:
    package, target = narrative.analysis.finding.package, narrative.analysis.target
    if package is None or not package.fixed_versions:
        return
    named = {each for each in VERSIONS.findall(narrative.fix) if re.fullmatch(r"v?\d[\w.+:~-]*", each)}
    wanted = {target} if target else set(package.fixed_versions)
    figures.fixed.count(wanted <= named <= set(package.fixed_versions))


def planted_secrets(report: Path) -> Iterator[str]:
    """The secrets that a report quotes."""
    try:
        lines = [json.loads(report.read_text(encoding="utf-8-sig"))]
    except ValueError:
        lines = list(json_lines(report))
    for each in lines:
        yield from (text for text in under_secret_keys(each, False) if len(text) >= SHORTEST_SECRET)


def json_lines(report: Path) -> Iterator[object]:
    for line in report.read_bytes().splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return


def under_secret_keys(value: object, inside: bool) -> Iterator[str]:
    if isinstance(value, str) and inside:
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from under_secret_keys(each, key in SECRET_KEYS)
    elif isinstance(value, list):
        for each in value:
            yield from under_secret_keys(each, inside)


def show(figures: Figures) -> None:
    print(
        f"narratives          {figures.narratives:6}  ({', '.join(f'{n} by {k}' for k, n in figures.origins.items())})"
    )
    print(f"id hallucination   {figures.hallucination}")
    print(f"id recall          {figures.recall}")
    print(f"CWE exact          {figures.cwe}")
    print(f"fixed version      {figures.fixed}")
    print(f"severity agreement {figures.severity}")
    print(f"secret leak        {figures.leak}")
    for what, count in sorted(figures.gate.items()):
        print(f"    {count} {what}")


if __name__ == "__main__":
    sys.exit(main())
