"""Writes narratives by rule: chooses the writer for the finding's class and puts its sentences together."""

from __future__ import annotations

from handlers.knowledge.cwe import Catalogue
from handlers.narrative.components import Component
from handlers.narrative.places import CodePlace, LicencePlace, SecretPlace, ServicePlace, SettingsPlace
from handlers.narrative.subject import Subject
from handlers.narrative.writer import Writer
from handlers.records import Analysis, Narrative, Origin

VERSION = "5"
"""Of the rules; whoever changes what they say counts it up."""
RULES = Origin(kind="rules", version=VERSION)

WRITERS: dict[str, type[Writer]] = {
    "vulnerability": Component,
    "code": CodePlace,
    "quality": CodePlace,
    "secret": SecretPlace,
    "misconfiguration": SettingsPlace,
    "dast": ServicePlace,
    "licence": LicencePlace,
}


def narrate(analysis: Analysis, catalogue: Catalogue) -> Narrative:
    """The narrative of one analysis; always the same for the same analysis and catalogue."""
    subject = Subject(analysis, catalogue)
    kind = WRITERS[analysis.finding.class_]
    if kind is Component and analysis.finding.package is None:
        kind = CodePlace
    writer = kind(subject)
    return Narrative(
        analysis=analysis, what=writer.what(), why=writer.why(), fix=writer.fix(), check=writer.check(), origin=RULES
    )
