"""The kind of server that this service takes the place of: an upload handler, and builds in background threads.

Faithful to how such a server is usually written: each build gets a copy of a prepared virtual environment, runs mypy,
spin build and spin registry push, and keeps its state in a dictionary. ``python -m bench.service.old_server FILE``
reads its settings (JSON) from FILE, prints its port and serves until it is killed.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Builds:
    """Runs builds in a pool of threads; what it knows of them is in its memory."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._pool = ThreadPoolExecutor(settings["concurrent"])
        self._tasks: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    def submit(self, source: bytes) -> str:
        """Take a source; return its task's id."""
        task_id = uuid.uuid4().hex
        self._set(task_id, "pending")
        self._pool.submit(self._run, task_id, source)
        return task_id

    def get(self, task_id: str) -> dict[str, str] | None:
        """Return the state of a task."""
        with self._lock:
            return self._tasks.get(task_id)

    def _set(self, task_id: str, status: str, **more: str) -> None:
        with self._lock:
            self._tasks[task_id] = {"task_id": task_id, "status": status, **more}

    def _run(self, task_id: str, source: bytes) -> None:
        self._set(task_id, "building")
        try:
            with tempfile.TemporaryDirectory() as folder:
                self._set(task_id, "done", image=self._build(Path(folder), task_id, source))
        except (OSError, subprocess.CalledProcessError) as error:
            self._set(task_id, "failed", error=str(error))

    def _build(self, folder: Path, task_id: str, source: bytes) -> str:
        toolchain = folder / "venv"
        shutil.copytree(self._settings["toolchain"], toolchain, symlinks=True)
        (folder / "app.py").write_bytes(source)
        (folder / "spin.toml").write_text(self._settings["manifest"])
        environment = {
            "PATH": f"{self._settings['componentize']}:{toolchain / 'bin'}:{self._settings['tools']}:/usr/bin:/bin",
            "VIRTUAL_ENV": str(toolchain),
            "HOME": str(folder),
        }
        image = f"{self._settings['repository']}:old-{task_id}"
        host = image.partition("/")[0]
        password = Path(self._settings["password_file"]).read_text()
        login = (self._settings["spin"], "registry", "login", "--username=AWS", "--password-stdin", host)
        steps = (
            ((str(toolchain / "bin" / "mypy"), "app.py"), None),
            ((self._settings["spin"], "build"), None),
            (login, password),
            ((self._settings["spin"], "registry", "push", image), None),
        )
        for command, stdin in steps:
            # Plain mypy complains about the idiom of every Spin app (a class of the name that it imports).
            is_check = command[0].endswith("mypy")
            subprocess.run(
                command, cwd=folder, env=environment, input=stdin, text=True, capture_output=True, check=not is_check
            )
        return image


def handler_of(builds: Builds) -> type[BaseHTTPRequestHandler]:
    """Return the handler of requests: POST /build with the source as its body, GET /tasks/ID."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            source = self.rfile.read(int(self.headers["content-length"]))
            self._answer(202, {"task_id": builds.submit(source)})

        def do_GET(self) -> None:
            task = builds.get(self.path.rpartition("/")[2])
            self._answer(200 if task else 404, task or {"detail": "no such task"})

        def _answer(self, status: int, body: dict[str, str]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def main() -> None:
    """Serve."""
    settings = json.loads(Path(sys.argv[1]).read_text())
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(Builds(settings)))
    print(server.server_port, flush=True)  # noqa: T201
    os.environ.clear()
    server.serve_forever()


if __name__ == "__main__":
    main()
