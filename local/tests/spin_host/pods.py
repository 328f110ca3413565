"""What the tests of the function runtime work with: application folders, and the real command line running on them."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[3]


def digest(content: bytes) -> str:
    """Hex SHA-256."""
    return hashlib.sha256(content).hexdigest()


@dataclass
class Pulled:
    """An application folder in the making."""

    folder: Path
    component: Path
    components: list[dict[str, Any]] = field(default_factory=list)
    triggers: list[dict[str, Any]] = field(default_factory=list)
    variables: dict[str, dict[str, str]] = field(default_factory=dict)

    def blob(self, content: bytes) -> str:
        """Add a layer; returns its digest."""
        path = self.folder / "blobs" / "sha256" / digest(content)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return f"sha256:{path.name}"

    def add(self, name: str, route: Any, metadata: dict[str, Any] | None = None, **fields: Any) -> "Pulled":
        """Add a component of the one wasm, with its trigger."""
        wasm = digest(self.component.read_bytes())
        place = self.folder / "blobs" / "sha256" / wasm
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            place.hardlink_to(self.component)
        source = {"content_type": "application/wasm", "digest": f"sha256:{wasm}"}
        self.components.append({"id": name, "metadata": metadata or {}, "source": source, **fields})
        self.trigger(f"{name}-http-trigger", component=name, route=route)
        return self

    def trigger(self, name: str, **config: Any) -> None:
        """Add a trigger."""
        self.triggers.append({"id": name, "trigger_type": "http", "trigger_config": config})

    def write(self) -> Path:
        """Write spin.json."""
        locked = {
            "spin_lock_version": 0,
            "metadata": {"name": "sample", "version": "1.2.3", "trigger": {"type": "http"}, "triggers": {}},
            "variables": self.variables,
            "triggers": self.triggers,
            "components": self.components,
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "spin.json").write_text(json.dumps(locked))
        return self.folder


class Pod:
    """A running ``python -m local.spin_host``."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.lines: list[str] = []
        self.errors: list[str] = []
        assert process.stdout is not None
        first = process.stdout.readline()
        if not first.startswith("listening http://127.0.0.1:"):
            process.wait(10)
            assert process.stderr is not None
            raise AssertionError(f"not listening: {first}{process.stderr.read()}")
        self.url = first.split()[1]
        self._readers = [
            threading.Thread(target=into.extend, args=(stream,), daemon=True)
            for into, stream in ((self.lines, process.stdout), (self.errors, process.stderr))
        ]
        for reader in self._readers:
            reader.start()
        self.client = httpx.Client(base_url=self.url, timeout=30)

    def get(self, target: str, **parameters: Any) -> httpx.Response:
        """GET on a kept connection."""
        return self.client.get(target, params=parameters or None)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """The exit status, with all output read."""
        status = self.process.wait(20)
        for reader in self._readers:
            reader.join(5)
        return status

    def stop(self) -> None:
        """End it, however it is."""
        self.client.close()
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


def wait_for(lines: list[str], start: str) -> None:
    """Return when one of a pod's lines begins with ``start``."""
    deadline = time.monotonic() + 60
    while not any(line.startswith(start) for line in lines) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert any(line.startswith(start) for line in lines), lines


def start(app: Path, state: Path, cache: Path, *options: str, **environment: str) -> "subprocess.Popen[str]":
    """Start the command line without waiting for it."""
    command = [sys.executable, "-m", "local.spin_host", "--app", str(app), "--port", "0"]
    command += ["--state-dir", str(state), "--cache-dir", str(cache), *options]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


Serve = Callable[..., Pod]
"""``serve(app, *options, state=…, **environment)``: starts a pod that ends with the test."""
