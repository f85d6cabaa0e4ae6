"""How many made-up secrets the scrubber leaves, beside detect-secrets with all its default plugins, in one run.

    pip install detect-secrets; python benchmarks/scrubbing.py [--each 20]

Canaries: the 20 kinds of `tests/handlers/privacy/canaries.py` that are secrets, and the 32 forms of `variants.py`; each
`--each` times in 5 surroundings. Look-alikes: 30 kinds of digests, versions, ids and paths. A secret counts as left if
its value still stands in the text after everything that was found is taken out; a look-alike as damaged if anything of
it is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from handlers.privacy import Scrubber
from tests.handlers.privacy.canaries import canaries, lookalikes
from tests.handlers.privacy.variants import variants

FRAMES = ("{}", "see {} in the log", '"{}"', "first line\n{}\nlast line", "`{}`.")
NO_SECRETS = {"mail", "home", "windows home", "host", "private address", "public address", "unc path"}
Clean = Callable[[str], str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=20)
    each = parser.parse_args().each
    kept = [(kind, value, text) for kind, value, text in canaries(each) if kind not in NO_SECRETS]
    forms = [(kind, value, text) for kind, value, text in variants(each) if kind not in NO_SECRETS]
    for name, clean in (("scantune", Scrubber().text), ("detect-secrets", detect_secrets())):
        start = time.process_time()
        told = [f"{what}: {left(clean, texts)}" for what, texts in (("canaries", kept), ("forms", forms))]
        harmless = [frame.format(text) for text in lookalikes(each) for frame in FRAMES]
        damaged = sum(clean(text) != text for text in harmless)
        seconds = time.process_time() - start
        print(
            f"{name}: left of {'; of '.join(told)}; look-alikes damaged: {damaged} of {len(harmless)}; {seconds:.1f} s"
        )


def left(clean: Clean, texts: list[tuple[str, str, str]]) -> str:
    """How many values are left, and of which kinds."""
    kinds: dict[str, int] = {}
    for kind, value, text in texts:
        here = sum(value in clean(frame.format(text)) for frame in FRAMES)
        kinds |= {kind: kinds.get(kind, 0) + here} if here else {}
    named = f" ({', '.join(f'{kind} {count}' for kind, count in kinds.items())})" if kinds else ""
    return f"{sum(kinds.values())} of {len(texts) * len(FRAMES)}{named}"


def detect_secrets() -> Clean:
    """Takes out what the library reports of a file that holds the text."""
    from detect_secrets.core.scan import scan_file  # type: ignore[import-not-found,unused-ignore]
    from detect_secrets.settings import default_settings  # type: ignore[import-not-found,unused-ignore]

    file = Path(tempfile.mkdtemp()) / "notes.txt"

    def clean(text: str) -> str:
        file.write_text(text, encoding="utf-8")
        with default_settings():
            for found in scan_file(str(file)):
                text = text.replace(found.secret_value, "SECRET") if found.secret_value else text
        return text

    return clean


if __name__ == "__main__":
    main()
