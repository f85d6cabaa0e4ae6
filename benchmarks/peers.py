"""Task queues doing the work of `engine.py`: `peers.py NAME FOLDER COUNT`, in an interpreter that has them.

Prints the seconds from the first task to the last output. Each file is a chain of three tasks; one worker process.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

STAGES = ("one", "two", "three")
FOLDER = Path(os.environ.get("PEERS_FOLDER", "."))


def work(folder: Path, number: int, n: int) -> None:
    """One stage on one file: parse, hash, add a field, write through a rename."""
    source, target = (folder / name for name in ("inbox", *STAGES)[number : number + 2])
    data = (source / f"{n}.json").read_bytes()
    record = json.loads(data)
    record[STAGES[number]] = hashlib.sha256(data).hexdigest()
    beside = target / f"{n}.tmp"
    beside.write_text(json.dumps(record))
    beside.rename(target / f"{n}.json")


def wait_for(folder: Path, count: int) -> None:
    while len(list((folder / STAGES[-1]).glob("*.json"))) < count:
        time.sleep(0.02)


def run_huey(folder: Path, count: int) -> float:
    began = time.perf_counter()
    for n in range(count):
        make_huey(folder)[1](0, n)
    consumer = [sys.executable, "-m", "huey.bin.huey_consumer", "peers.queue", "-w", "1", "-q"]
    return _with_worker(consumer, folder, count, began)


def make_huey(folder: Path):  # type: ignore[no-untyped-def]
    from huey import SqliteHuey

    if not hasattr(make_huey, "made"):
        queue = SqliteHuey(filename=str(folder / "huey.db"), fsync=True)

        @queue.task()  # type: ignore[untyped-decorator]
        def task(number: int, n: int) -> None:
            work(folder, number, n)
            if number < len(STAGES) - 1:
                task(number + 1, n)

        make_huey.made = (queue, task)  # type: ignore[attr-defined]
    return make_huey.made  # type: ignore[attr-defined]


def make_celery(folder: Path):  # type: ignore[no-untyped-def]
    from celery import Celery

    spool = folder / "spool"
    spool.mkdir(exist_ok=True)
    app = Celery("peers", broker="filesystem://")
    app.conf.update(
        broker_transport_options={
            "data_folder_in": str(spool),
            "data_folder_out": str(spool),
            "control_folder": str(spool / "control"),
        },
        task_ignore_result=True,
        worker_hijack_root_logger=False,
    )

    @app.task(name="step")  # type: ignore[untyped-decorator]
    def task(number: int, n: int) -> None:
        work(folder, number, n)
        if number < len(STAGES) - 1:
            task.delay(number + 1, n)

    return app, task


def run_celery(folder: Path, count: int) -> float:
    began = time.perf_counter()
    _, task = make_celery(folder)
    for n in range(count):
        task.delay(0, n)
    worker = [sys.executable, "-m", "celery", "-A", "peers:application", "worker", "-P", "solo", "-l", "ERROR"]
    return _with_worker(worker, folder, count, began)


def _with_worker(command: list[str], folder: Path, count: int, began: float) -> float:
    environment = {**os.environ, "PEERS_FOLDER": str(folder), "PYTHONPATH": str(Path(__file__).parent)}
    worker = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(folder, count)
    seconds = time.perf_counter() - began
    worker.kill()
    worker.wait()
    return seconds


def run_luigi(folder: Path, count: int) -> float:
    import luigi

    class Step(luigi.Task):  # type: ignore[misc]
        number = luigi.IntParameter()
        n = luigi.IntParameter()

        def requires(self):  # type: ignore[no-untyped-def]
            return [Step(self.number - 1, self.n)] if self.number else []

        def output(self):  # type: ignore[no-untyped-def]
            return luigi.LocalTarget(str(folder / STAGES[self.number] / f"{self.n}.json"))

        def run(self) -> None:
            work(folder, self.number, self.n)

    began = time.perf_counter()
    luigi.build([Step(2, n) for n in range(count)], local_scheduler=True, log_level="ERROR")
    return time.perf_counter() - began


if os.environ.get("PEERS_FOLDER"):
    if "celery" in sys.modules:
        application, _ = make_celery(FOLDER)
    else:
        queue, _ = make_huey(FOLDER)


def main() -> None:
    runs: dict[str, Callable[[Path, int], float]] = {"huey": run_huey, "celery": run_celery, "luigi": run_luigi}
    print(runs[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3])))


if __name__ == "__main__":
    import peers  # under its own name, as the workers import it: a queue finds its tasks by module and name

    peers.main()
