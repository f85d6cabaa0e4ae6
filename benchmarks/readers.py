"""How fast a large SARIF log becomes findings, beside other ways to read it, each in a process of its own.

    python benchmarks/readers.py [--results 50000] [--rounds 3] [--only NAME,…] [--keep FILE]

Seconds are processor time of reading alone (imports done), the best round; memory is the peak of the whole process.
The others do less: they find level, message, place and the rule's title, and notice no duplicate key.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

TEXT = "user input reaches the query unchecked so that an attacker may change what it does from outside"
WORDS = TEXT.split()
RULES = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(WAYS), help="of " + ", ".join(WAYS))
    parser.add_argument("--keep", type=Path, help="write the log here, and leave it")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = args.keep or Path(folder) / "large.sarif"
        write_log(file, args.results)
        size = file.stat().st_size
        print(f"{args.results} results, {size / 1e6:.1f} MB\n")
        print("| way | CPU s | peak MB | peak / file | findings |\n|---|--:|--:|--:|--:|")
        for name in args.only.split(","):
            print(_row(name, file, args.rounds, size), flush=True)


def _row(name: str, file: Path, rounds: int, size: int) -> str:
    module = name.replace("-", "_").split(" ")[0]
    if name in NEEDED and importlib.util.find_spec(NEEDED[name]) is None:
        return f"| {name} | not installed ({module}) | | | |"
    runs = [_measure(name, file) for _ in range(rounds)]
    seconds, peak = min(run[0] for run in runs), max(run[1] for run in runs)
    return f"| {name} | {seconds:.2f} | {peak / 1e6:.0f} | {peak / size:.1f} | {runs[0][2]} |"


def _measure(name: str, file: Path) -> tuple[float, int, int]:
    """(CPU seconds, peak bytes, findings) of one way in a fresh process."""
    code = "import sys; from benchmarks.readers import child; child(*sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, name, str(file)], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip
    seconds, peak, count = done.stdout.split()[-3:]
    return float(seconds), int(peak), int(count)


def child(name: str, file: str) -> None:
    """Runs one way and prints what it took."""
    import resource
    import time

    read = WAYS[name]()
    start = time.process_time()
    count = read(Path(file))
    seconds = time.process_time() - start
    unit = 1 if sys.platform == "darwin" else 1024
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit, count)


# the log


def write_log(file: Path, count: int) -> None:
    """A log of `count` results of some 1,100 bytes, the same bytes every time."""
    dice = random.Random(7)
    head = {"tool": {"driver": {"name": "acme", "rules": [_rule(number) for number in range(RULES)]}}}
    with file.open("w", encoding="utf-8") as out:
        schema = "https://json.schemastore.org/sarif-2.1.0.json"
        out.write(f'{{"$schema": "{schema}", "version": "2.1.0", "runs": [{json.dumps(head)[:-1]}, "results": [')
        for number in range(count):
            out.write((",\n" if number else "\n") + json.dumps(_result(dice)))
        out.write("]}]}")


def _rule(number: int) -> dict[str, Any]:
    return {
        "id": f"acme/rule-{number}",
        "name": f"Rule{number}",
        "shortDescription": {"text": f"Rule number {number}"},
        "fullDescription": {"text": " ".join(WORDS)},
        "help": {"text": "Use a parameter instead."},
        "properties": {"tags": ["security", f"external/cwe/cwe-{20 + number:03}"], "security-severity": "7.5"},
    }


def _result(dice: random.Random) -> dict[str, Any]:
    rule, line = dice.randrange(RULES), dice.randrange(1, 2000)
    region = {"startLine": line, "startColumn": 5, "endLine": line + 1, "endColumn": 30}
    snippet = {"text": "    " + " ".join(dice.choices(WORDS, k=12)) + "\n"}
    path = {"uri": f"src/module{dice.randrange(300)}/file{dice.randrange(40)}.py", "uriBaseId": "%SRCROOT%"}
    steps = [
        {"location": {"physicalLocation": {"artifactLocation": path, "region": {"startLine": line + step}}}}
        for step in range(2)
    ]
    return {
        "ruleId": f"acme/rule-{rule}",
        "ruleIndex": rule,
        "level": "error",
        "message": {"text": " ".join(dice.choices(WORDS, k=40))},
        "locations": [{"physicalLocation": {"artifactLocation": path, "region": {**region, "snippet": snippet}}}],
        "partialFingerprints": {"primaryLocationLineHash": f"{dice.getrandbits(64):016x}:1"},
        "codeFlows": [{"threadFlows": [{"locations": steps}]}],
    }


# the ways to read it: each makes a function of the file that returns the number of findings


def _loop(log: Any) -> int:
    findings = []
    for run in log["runs"]:
        rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
        for result in run["results"]:
            place = result["locations"][0]["physicalLocation"]
            findings.append(
                {
                    "rule": result["ruleId"],
                    "title": rules[result["ruleId"]]["shortDescription"]["text"],
                    "level": result.get("level"),
                    "message": result["message"]["text"],
                    "path": place["artifactLocation"]["uri"],
                    "line": place["region"]["startLine"],
                    "snippet": place["region"]["snippet"]["text"],
                }
            )
    return len(findings)


def _scantune() -> Callable[[Path], int]:
    from handlers.readers import Limits, read_report, registry

    registry.readers()
    return lambda file: len(read_report(file, Limits()).findings)


def _scantune_streaming() -> Callable[[Path], int]:
    from handlers.readers import Limits, read_report, registry, report

    registry.readers()
    report.STREAM_FROM = 0
    return lambda file: len(read_report(file, Limits()).findings)


def _json() -> Callable[[Path], int]:
    return lambda file: _loop(json.loads(file.read_bytes()))


def _orjson() -> Callable[[Path], int]:
    import orjson

    return lambda file: _loop(orjson.loads(file.read_bytes()))


def _msgspec() -> Callable[[Path], int]:
    import msgspec

    return lambda file: _loop(msgspec.json.decode(file.read_bytes()))


def _msgspec_typed() -> Callable[[Path], int]:
    import msgspec

    from handlers.readers.sarif.model import Result

    run: Any = msgspec.defstruct("Run", [("results", list[Result])])
    log: Any = msgspec.defstruct("Log", [("runs", list[run])])
    decoder = msgspec.json.Decoder(log)
    return lambda file: sum(len(each.results) for each in decoder.decode(file.read_bytes()).runs)


def _ijson() -> Callable[[Path], int]:
    import ijson

    def read(file: Path) -> int:
        with file.open("rb") as source:
            return sum(1 for result in _each(ijson.items(source, "runs.item.results.item")) if result["ruleId"])

    return read


def _each(items: Iterator[Any]) -> Iterator[Any]:
    yield from items


def _sarif_tools() -> Callable[[Path], int]:
    from sarif import loader

    return lambda file: sum(len(each.get_records()) for each in loader.load_sarif_files(str(file)).files)


WAYS: dict[str, Callable[[], Callable[[Path], int]]] = {
    "scantune": _scantune,
    "scantune streaming": _scantune_streaming,
    "json": _json,
    "orjson": _orjson,
    "msgspec": _msgspec,
    "msgspec typed": _msgspec_typed,
    "ijson": _ijson,
    "sarif-tools": _sarif_tools,
}
NEEDED = {"orjson": "orjson", "ijson": "ijson", "sarif-tools": "sarif"}

if __name__ == "__main__":
    main()
