"""Words of other people's reports as arguments of a command that a person may copy into a shell."""

from __future__ import annotations

import re
import shlex
import string

_HARMLESS = re.compile(r"[\w@./:+~=%,#\[\]() -]{1,300}")


def fill(template: str, **words: str | None) -> str | None:
    """`template` with its `{names}` filled and quoted; None if a word is missing or could do harm in a shell.

    Refused are words that start with a dash, that hold a character which a shell or Markdown could take for its own,
    or that are longer than 300 characters.
    """
    needed = [name for _, name, _, _ in string.Formatter().parse(template) if name]
    given = {name: words.get(name) for name in needed}
    if not all(word and _HARMLESS.fullmatch(word) and word[0] not in "-~ " for word in given.values()):
        return None
    return template.format(**{name: shlex.quote(word or "") for name, word in given.items()})
