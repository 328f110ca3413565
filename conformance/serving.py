"""Serve an image with the real Spin or with the function host, send it bytes, and make the answers comparable."""

import asyncio
import hashlib
import http.client
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from conformance.spin.http_cases import ENVIRONMENT
from local.cloud.processes import free_port
from local.kubernetes.kubelet.images import ImageStore
from tests.support import components

_ROOT: Final = Path(__file__).resolve().parents[1]
_START_SECONDS: Final = 900
"""A debug build of Spin compiles a component for minutes."""
_FRAMING: Final = frozenset({"date", "connection", "transfer-encoding"})
_ADDRESS: Final = re.compile(rb"127\.0\.0\.1:[0-9]+")


@contextmanager
def real(spin: Path, reference: str, work: Path) -> Iterator[int]:
    """Serve an image with the real ``spin``; the port."""
    port = free_port()
    command = [
        spin,
        "up",
        "-k",
        "--from",
        reference,
        "--listen",
        f"127.0.0.1:{port}",
        "--state-dir",
        work / "real-state",
    ]
    with _serving(command, port, work, "real"):
        yield port


@contextmanager
def ours(reference: str, work: Path) -> Iterator[int]:
    """Serve an image with the function host; the port."""
    image = asyncio.run(ImageStore(work / "node", None, None).ensure(reference, pull_always=True))
    port = free_port()
    command = [sys.executable, "-m", "local.spin_host", "--app", image.folder, "--port", str(port)]
    command += ["--state-dir", work / "our-state", "--cache-dir", components.COMPILED]
    with _serving(command, port, work, "ours"):
        yield port


@contextmanager
def _serving(command: list[Any], port: int, work: Path, name: str) -> Iterator[None]:
    home = work / f"{name}-home"
    home.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), **ENVIRONMENT}
    log = work / f"{name}.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            list(map(str, command)), cwd=_ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            _wait(port, process, log)
            yield
        finally:
            process.terminate()
            shutil.rmtree(home, ignore_errors=True)


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/.well-known/spin/health", trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.5)
        else:
            return
    raise RuntimeError(f"{process.args!r} does not serve: {log.read_text('utf-8', 'replace')[-2000:]}")


def exchange(port: int, request: bytes) -> bytes:
    """Send bytes; everything that comes back until the connection ends."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        try:
            connection.sendall(request)
            while part := connection.recv(1 << 16):
                received += part
        except ConnectionError:
            pass  # closed with a part of the request unread: what came before counts
    return received


def comparable(answer: bytes, method: str) -> Any:
    """Status, headers and body, without framing, times and ports."""
    if not answer:
        return "closed without an answer"
    response = http.client.HTTPResponse(_Received(answer), method=method)  # type: ignore[arg-type]  # all it asks of one
    try:
        response.begin()
        body = response.read()
    except (http.client.HTTPException, ValueError) as error:
        return f"not whole: {type(error).__name__}"
    body = _ADDRESS.sub(b"ADDRESS", body)
    headers = sorted((name.lower(), value) for name, value in response.getheaders() if name.lower() not in _FRAMING)
    if method != "HEAD" and response.status not in (204, 304):
        headers = [header for header in headers if header[0] != "content-length"]
    return response.status, headers, _parsed(body)


def _parsed(body: bytes) -> Any:
    """JSON as a value, other text as it is, much of it by its digest."""
    try:
        return json.loads(body)
    except ValueError:
        return body if len(body) <= 1000 else f"{len(body)} bytes, sha256:{hashlib.sha256(body).hexdigest()}"


class _Received(io.BytesIO):
    """Bytes in the place of a socket."""

    def makefile(self, *_: object) -> io.BytesIO:
        """Return the stream itself, as `http.client` asks a socket for it."""
        return self
