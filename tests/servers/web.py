"""An HTTP/1.1 server on 127.0.0.1 that a test starts, with a log of requests and faults on demand."""

from __future__ import annotations

import json
import re
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, unquote, urlsplit

Kind = Literal["answer", "drop", "lost", "cut"]


@dataclass(frozen=True)
class Request:
    method: str
    path: str  # percent-decoded, without the query
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def reply(content: object, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(content).encode(), {"Content-Type": "application/json", **named})


@dataclass
class Fault:
    """What happens to the next `times` requests that match, instead of (or after) the true answer.

    answer: `answer` is sent. drop: the connection is reset unread. lost: the request is carried out and its answer
    is lost. cut: the true answer ends in the middle of its body.
    """

    method: str
    path: re.Pattern[str]
    kind: Kind
    answer: Answer
    times: int


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client may hang up at any time; every other error is one of this server, and fails the test."""
        if not isinstance(sys.exception(), (ConnectionError, ssl.SSLError)):
            raise


class Loopback:
    """Base of the servers: `answer` maps a request to its answer, under one lock."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.before: Callable[[Request], None] = lambda request: None
        self._lock = threading.RLock()
        self._server = Server(("127.0.0.1", 0), _handler(self))
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fail(
        self,
        method: str,
        path: str,
        status: int = 500,
        *,
        kind: Kind = "answer",
        body: bytes = b'{"error": "on demand"}',
        times: int = 1,
        **headers: str,
    ) -> None:
        named = {"Content-Type": "application/json"} | {key.replace("_", "-"): text for key, text in headers.items()}
        self.faults.append(Fault(method, re.compile(path), kind, Answer(status, body, named), times))

    def count(self, method: str, path: str) -> int:
        return sum(each.method == method and re.search(path, each.path) is not None for each in self.requests)

    def answer(self, request: Request) -> Answer:
        raise NotImplementedError

    def take(self, request: Request) -> tuple[Answer | None, Fault | None]:
        """The answer to a request, and the fault that it meets."""
        self.before(request)
        with self._lock:
            self.requests.append(request)
            fault = self._matching(request)
            if fault is not None and fault.kind in ("answer", "drop"):
                return fault.answer, fault
            return self.answer(request), fault

    def _matching(self, request: Request) -> Fault | None:
        for fault in self.faults:
            if fault.times and fault.method in (request.method, "*") and fault.path.search(request.path):
                fault.times -= 1
                return fault
        return None


def _handler(server: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            answer, fault = server.take(self._request())
            if answer is None or (fault is not None and fault.kind in ("drop", "lost")):
                return self._reset()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if "Content-Length" not in answer.headers:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command == "HEAD":
                return None
            if fault is not None and fault.kind == "cut":
                self.wfile.write(answer.body[: len(answer.body) // 2])
                return self._reset()
            self.wfile.write(answer.body)
            return None

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def _request(self) -> Request:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            return Request(self.command, unquote(parts.path), dict(parse_qsl(parts.query)), headers, self._body())

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def _reset(self) -> None:
            """Ends the connection with a reset, as a dying peer does."""
            self.wfile.flush()
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

        def log_message(self, format: str, *args: object) -> None:
            """Silent: the log is `Loopback.requests`."""

    return Handler
