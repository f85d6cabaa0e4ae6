"""Coverage-guided fuzzing of the readers, for hours if you like (`pip install atheris`, Linux):

    python -m tests.handlers.readers.guided CORPUS_DIR [libFuzzer options, e.g. -max_total_time=600]

CORPUS_DIR is filled with the reports of the corpus first. A report that breaks a rule is left as `crash-…`.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["handlers.readers"]):
    from handlers.readers import Limits, read_bytes, registry

    registry.readers()

from tests.handlers.readers.fuzz import archives, seeds
from tests.handlers.readers.test_fuzz import judge

LARGEST_SEED = 20_000


def one(content: bytes) -> None:
    judge(read_bytes(content, Limits()))


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(seeds() + archives()):
        if len(content) <= LARGEST_SEED:
            (folder / f"seed-{number}").write_bytes(content)
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
