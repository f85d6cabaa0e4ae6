"""Weaknesses by the words that rules and titles name them with, for reports that give no CWE."""

from __future__ import annotations

import re
from collections.abc import Iterator

NAMES = (
    (943, r"no-?sqli?[-_ ]?injection"),
    (89, r"(?<!no)(?<!no-)sql[-_ ]?injection|\bsqli\b"),
    (79, r"cross[-_ ]site[-_ ]scripting|\bxss\b"),
    (78, r"(?:os[-_ ])?command[-_ ]injection|shell[-_ ]injection"),
    (22, r"(?:path|directory)[-_ ]traversal|zip[-_ ]?slip"),
    (352, r"cross[-_ ]site[-_ ]request[-_ ]forgery|\bcsrf\b"),
    (918, r"server[-_ ]side[-_ ]request[-_ ]forgery|\bssrf\b"),
    (601, r"open[-_ ]redirect|unvalidated[-_ ]redirect"),
    (611, r"xml[-_ ]external[-_ ]entit|\bxxe\b"),
    (502, r"(?:unsafe|insecure|untrusted)[-_ ]deseriali[sz]ation|deseriali[sz]ation[-_ ]of[-_ ]untrusted"),
    (1321, r"prototype[-_ ]pollution"),
    (1333, r"regular[-_ ]expression[-_ ]denial|\bredos\b"),
    (90, r"ldap[-_ ]injection"),
    (113, r"(?:http[-_ ])?response[-_ ]splitting|crlf[-_ ]injection"),
    (94, r"(?<!sql )(?<!command )\bcode[-_ ]injection|remote[-_ ]code[-_ ]execution"),
    (134, r"format[-_ ]string"),
    (384, r"session[-_ ]fixation"),
    (416, r"use[-_ ]after[-_ ]free"),
    (120, r"buffer[-_ ]over(?:flow|run)"),
    (125, r"out[-_ ]of[-_ ]bounds[-_ ]read"),
    (787, r"out[-_ ]of[-_ ]bounds[-_ ]write"),
    (190, r"integer[-_ ]overflow"),
    (1021, r"click[-_ ]?jacking"),
)
"""Only names that mean one weakness and nothing else."""
_NAMES = tuple((number, re.compile(pattern, re.IGNORECASE)) for number, pattern in NAMES)


def named_weaknesses(text: str) -> Iterator[int]:
    """The CWE numbers of the weaknesses that the text names."""
    return (number for number, pattern in _NAMES if pattern.search(text))
