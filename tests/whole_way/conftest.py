"""scantune as a user has it: a wheel in an environment of its own, commands in processes of their own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SAMPLE = CHECKOUT / "handlers" / "demo" / "reports"


@dataclass(frozen=True)
class Program:
    """Runs scantune of one environment in one workspace."""

    python: Path
    workspace: Path
    home: Path
    extra: tuple[tuple[str, str], ...] = ()

    def environment(self) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("SCANTUNE_", "HF_", "PYTHONPATH"))
        }
        return {**kept, "HOME": str(self.home), "SCANTUNE_INTAKE__SETTLE_SECONDS": "0", **dict(self.extra)}

    def command(self, *words: str | Path) -> list[str]:
        script = self.python.with_name("scantune")
        return [str(script), "--workspace", str(self.workspace), *map(str, words)]

    def __call__(self, *words: str | Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        return self.start(self.command(*words), timeout)

    def module(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """`python -P -m WORDS`."""
        return self.start([str(self.python), "-P", "-m", *map(str, words)], 120)

    def start(self, command: list[str], timeout: float) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, cwd=self.home, env=self.environment(), capture_output=True, text=True, timeout=timeout, check=False
        )
        print(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}exit {done.returncode}")
        return done

    def json(self, *words: str | Path) -> dict[str, object]:
        done = self(*words, "--json")
        answer: dict[str, object] = json.loads(done.stdout)
        return answer


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a clean environment that has the wheel, built here, and none of the checkout's modules."""
    folder = tmp_path_factory.mktemp("installed")
    wheel = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    # Built from a copy, as setuptools leaves a build folder and an egg-info beside what it builds.
    source = folder / "source"
    source.mkdir()
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        check=True,
    ).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (CHECKOUT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((CHECKOUT / name).read_bytes())
    subprocess.run([*wheel, "-w", str(folder), str(source)], check=True)
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin" / "python"
    # The dependencies are those of this environment; its editable install of scantune is not seen, as no .pth is read.
    site = next((environment / "lib").glob("python*")) / "site-packages"
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    built = next(folder.glob("scantune-*.whl"))
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*install, str(built)], check=True)
    where = subprocess.run(
        [python, "-I", "-c", "import handlers; print(handlers.__file__)"], capture_output=True, text=True
    )
    assert str(environment) in where.stdout
    return python


@pytest.fixture
def program(installed: Path, tmp_path: Path) -> Program:
    home = tmp_path / "home"
    home.mkdir()
    return Program(installed, tmp_path / "workspace", home)


@pytest.fixture
def inbox(program: Program) -> Path:
    folder = program.workspace / "inbox"
    folder.mkdir(parents=True)
    return folder


def outputs(workspace: Path) -> dict[str, str]:
    """The digest of every payload in the outbox by its path; receipts hold clock values and are left out."""
    files = (each for each in (workspace / "outbox").rglob("*") if each.is_file() and each.name != "receipt.json")
    return {str(each.relative_to(workspace)): hashlib.sha256(each.read_bytes()).hexdigest() for each in files}


@pytest.fixture
def running() -> Iterator[Callable[[Program], subprocess.Popen[str]]]:
    """Starts `scantune watch`; what still runs at the end of the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(program: Program) -> subprocess.Popen[str]:
        with (program.home / f"watch-{len(started)}.log").open("w") as log:
            process = subprocess.Popen(
                program.command("watch"), cwd=program.home, env=program.environment(), stdout=log, stderr=log, text=True
            )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(30)
