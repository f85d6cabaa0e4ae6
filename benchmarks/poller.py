"""A poll with nothing new, 10,000 artifacts seen: requests and CPU time. `python -m benchmarks.poller`

The server is a process of its own, so that only the poller's CPU time counts: within `watch`, where the poller stays,
and as `poll github --once`, where starting Python and reading its modules comes on top.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from config.settings import load
from handlers.sources import feeds
from handlers.sources.github import Poller
from tests.servers.github import TOKEN, GitHub

SEEN = 10_000
POLLS = 20


def serve(pipe: Connection) -> None:
    """A GitHub with one repository of SEEN artifacts; tells its address, and how many requests it had."""
    with GitHub() as github:
        project = github.add("acme/app")
        for _ in range(SEEN):
            project.add(b"", expired=True)  # written down like fetched ones, without 10,000 downloads
        pipe.send(github.url)
        while pipe.recv() == "count":
            pipe.send(len(github.requests))


def main() -> None:
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    address = ours.recv()
    settings = load(None, {"github": {"repositories": ["acme/app"], "api_url": address}})
    with tempfile.TemporaryDirectory() as root:
        measure(Poller(settings, Path(root), token=lambda url: TOKEN), ours)
        measure_once(Path(root), address)
    ours.send("end")
    server.join()


def measure(poller: Poller, server: Connection) -> None:
    began = time.perf_counter()
    poller.poll()
    print(f"first poll: {SEEN} artifacts noted in {time.perf_counter() - began:.1f} s")
    server.send("count")
    before, spent = server.recv(), []
    for _ in range(POLLS):
        start = time.process_time()
        assert poller.poll().landed == []
        spent.append(1000 * (time.process_time() - start))
    server.send("count")
    requests = (server.recv() - before) / POLLS
    print(f"nothing new: {requests:.0f} request a poll (page size {feeds.PAGE}), CPU time a poll, of {POLLS}:")
    print(f"median {statistics.median(spent):.1f} ms, highest {max(spent):.1f} ms")
    poller.close()


def measure_once(root: Path, address: str) -> None:
    chosen = {
        "GITHUB_TOKEN": TOKEN,
        "SCANTUNE_GITHUB__API_URL": address,
        "SCANTUNE_GITHUB__REPOSITORIES": '["acme/app"]',
    }
    environment = {**os.environ, **chosen}
    program = ["-m", "handlers.cli.main", "--workspace", str(root)]
    whole = cpu_time([*program, "poll", "github", "--once"], environment)
    print(f"poll github --once, the whole process: median {whole:.0f} ms, of which")
    print(f"  {cpu_time([*program, '--version'], environment):.0f} ms start the program, whatever the verb")
    print(f"  {cpu_time(['-c', 'import httpx2'], environment):.0f} ms start Python and read the HTTP client alone")


def cpu_time(words: Sequence[str], environment: Mapping[str, str]) -> float:
    """The median of five processes, in milliseconds."""
    spent = []
    for _ in range(5):
        before = os.times()
        subprocess.run([sys.executable, *words], env=environment, check=True, capture_output=True)
        after = os.times()
        spent.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return 1000 * statistics.median(spent)


if __name__ == "__main__":
    main()
