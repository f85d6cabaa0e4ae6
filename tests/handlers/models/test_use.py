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
    """`mlx_lm.server --model DIR --port PORT`, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    command = [sys.executable, "-m", "mlx_lm", "server", "--model", str(model), "--port", str(number)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            _wait(server, number, tmp_path / "log")
            yield number
        finally:
            server.terminate()
            server.wait(PATIENCE)


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(TRIES):
        assert server.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
            return
        except OSError:
            Event().wait(0.2)
    pytest.fail(f"the server does not answer: {log.read_text()}")


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
