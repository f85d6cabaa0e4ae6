"""Findings per second of a model's batches against one `mlx_lm.generate` call a finding: same model, same run.

    python benchmarks/generation.py [--model DIR] [--findings 96] [--tokens 96]

The model is the embedded tiny one unless another is named. Both ways answer the same prompts greedily; the texts are
compared. Exit status 0 if the batches are at least 3 times as fast and every text is the same.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from mlx_lm import generate

from handlers.generation import Generator
from handlers.models.tiny import make_tiny
from handlers.narrative.model import prompt
from handlers.records import Finding, Location, Package

WANTED = 3.0
WORDS = ["parser", "header", "token", "buffer", "session", "query", "cookie", "archive", "upload", "redirect"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--findings", type=int, default=96)
    parser.add_argument("--tokens", type=int, default=96)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.model is None:
            args.model = Path(folder) / "tiny"
            make_tiny(args.model)
        return compare(Generator(args.model), [finding(at) for at in range(args.findings)], args.tokens)


def finding(number: int) -> Finding:
    """Findings of several lengths, as a report would mix them."""
    word = WORDS[number % len(WORDS)]
    told = " ".join(f"The {each} is read without a check of its {word}." for each in WORDS[: 1 + number % 7])
    return Finding(
        fingerprint=f"1:{number:04x}",
        tool="sometool",
        format="sarif",
        rule_id=f"rule-{number % 13}",
        title=f"Unchecked {word}",
        class_="vulnerability" if number % 3 else "code",
        severity=("low", "medium", "high")[number % 3],
        cwes=(f"CWE-{(20, 79, 400)[number % 3]}",),
        description=told,
        locations=(Location(path=f"src/{word}/part{number}.py", line=number + 1),),
        package=Package(name=f"lib{word}", version=f"1.{number}.0", ecosystem="npm") if number % 3 else None,
        pointer=f"/{number}",
    )


def compare(model: Generator, findings: list[Finding], tokens: int) -> int:
    prompts = [prompt("explain", each, tuned=False) for each in findings]
    model.answer(prompts[:4], 4)  # both ways start warm
    generate(model.model, model.tokenizer, prompt=model.encode(prompts[0]), max_tokens=4)
    began = time.perf_counter()
    together = model.answer(prompts, tokens)
    middle = time.perf_counter()
    single = [
        generate(model.model, model.tokenizer, prompt=model.encode(each), max_tokens=tokens).strip() for each in prompts
    ]
    ended = time.perf_counter()
    same = sum(one == other for one, other in zip(together, single, strict=True))
    rates = len(prompts) / (middle - began), len(prompts) / (ended - middle)
    print(f"in batches      {rates[0]:8.2f} findings/s")
    print(f"one at a time   {rates[1]:8.2f} findings/s")
    print(f"ratio           {rates[0] / rates[1]:8.2f}  (wanted: {WANTED:g})")
    print(f"identical texts {same:8} of {len(prompts)}")
    return 0 if rates[0] >= WANTED * rates[1] and same == len(prompts) else 1


if __name__ == "__main__":
    sys.exit(main())
