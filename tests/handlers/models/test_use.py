"""The one-liners of the guide, run as a person runs them: a finished model in mlx-lm's own programs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

pytest.importorskip("mlx_lm")

from handlers.models.finish import Wish, finish
from tests.handlers.models.made import make_adapter, result

TRIES = 1500  # of 0.2 s
PATIENCE = 300  # seconds, for a busy machine
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    adapter = make_adapter(tiny_model, tmp_path_factory.mktemp("adapter") / "lora")
    return finish(result(tiny_model, adapter), Wish(tmp_path_factory.mktemp("models"), "demo"))


def test_chat(model: Path) -> None:
    """`mlx_lm.chat --model DIR`, one question, then the end of the input."""
    command = [sys.executable, "-m", "mlx_lm", "chat", "--model", str(model), "--max-tokens", "8"]
    done = subprocess.run(
        command, input="What is CWE-89?\nq\n", capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    assert "mlx_lm.chat" in done.stdout
    assert "bye" in done.stdout


@pytest.fixture
def port(model: Path, tmp_path: Path) -> Iterator[int]:
    """`mlx_lm.server --model DIR --port PORT`, once it answers; if somebody else takes the port first, another one."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    for _ in range(3):
        number = _free_port()
        command = [sys.executable, "-m", "mlx_lm", "server", "--model", str(model), "--port", str(number)]
        with (tmp_path / "log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            if _answers(server, number):
                yield number
                return
        finally:
            server.terminate()
            server.wait(PATIENCE)
    pytest.fail(f"the server does not answer: {(tmp_path / 'log').read_text()}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    return number


def _answers(server: subprocess.Popen[bytes], port: int) -> bool:
    """False once the server has ended, or after a long time."""
    for _ in range(TRIES):
        if server.poll() is not None:
            return False
        try:
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
            return True
        except OSError:
            Event().wait(0.2)
    return False


def test_server_speaks_the_protocol_of_openai(port: int, model: Path) -> None:
    asked = {
        "model": str(model),
        "messages": [{"role": "user", "content": "What is CWE-89?"}],
        "max_tokens": 8,
        "temperature": 0,
    }
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/chat/completions",
        json.dumps(asked).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
        told = json.load(reply)
    assert told["object"] == "chat.completion"
    assert told["choices"][0]["message"]["role"] == "assistant"
    assert 0 < told["usage"]["completion_tokens"] <= 8
