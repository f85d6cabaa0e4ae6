"""Several wordings for one statement, chosen by a digest: the same finding always reads the same, two seldom do."""

from __future__ import annotations

import hashlib
import re

_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_NAME = re.compile(r"\{([a-z_]+)\}")


class Phrasing:
    """Wordings for one seed, usually a finding's fingerprint and pointer."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode("utf-8", "surrogatepass")

    def say(self, template: str, **names: str) -> str:
        """Chooses in each `[a|b|c]` (they nest) and fills each `{name}`; names are never searched for choices."""
        while found := _CHOICE.search(template):
            options = found.group(1).split("|")
            chosen = options[self._number(f"{found.start()} {found.group(1)}") % len(options)]
            template = template[: found.start()] + chosen + template[found.end() :]
        return _NAME.sub(lambda name: names.get(name.group(1), name.group(0)), template)

    def sentence(self, template: str, **names: str) -> str:
        """The same as a sentence: a capital first letter, one full stop at the end."""
        text = self.say(template, **names).strip()
        head = text if text.startswith("`") else text[:1].upper() + text[1:]
        return head if head.endswith((".", "!", "?", ":", "…", "```")) else f"{head}."

    def _number(self, slot: str) -> int:
        digest = hashlib.blake2b(slot.encode(), key=self._seed[:64], digest_size=4).digest()
        return int.from_bytes(digest, "big")


def code(text: str) -> str:
    """A name as a code span; backticks in it can't end it."""
    return f"`{text.replace('`', chr(39))}`"


def block(text: str, language: str) -> str:
    return f"\n\n```{language}\n{text.replace('```', chr(39) * 3)}\n```"
