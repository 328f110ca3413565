"""The test function as a WebAssembly component: built once for its source and the toolchain, kept under ``build/``.

By the fast lane, as functions like it are: what a full build makes of the same source is held to be the same by
tests/fast_lane and by `make conformance`.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from fast_lane.installation import Installation
from wasmtime import wat2wasm

from local.cloud.places import BUILD, ROOT, TOOLCHAIN, shared_root
from tests.support.client import spin_toml, zipped

KEPT = BUILD / "test-components"
COMPILED = KEPT / "compiled"
"""What wasmtime made of them."""


_SOURCES = {
    "app.py": Path(__file__).parent / "component" / "app.py",
    "counter.py": ROOT / "examples" / "counter" / "app.py",
}

_SILENT = """(component
  (import "wasi:http/types@0.2.0" (instance $types
    (export "incoming-request" (type (sub resource)))
    (export "response-outparam" (type (sub resource)))))
  (alias export $types "incoming-request" (type $request))
  (alias export $types "response-outparam" (type $response))
  (core module $code (func (export "handle") (param i32 i32)))
  (core instance $running (instantiate $code))
  (func $handle (param "request" (own $request)) (param "response-out" (own $response))
    (canon lift (core func $running "handle")))
  (instance $handler (export "handle" (func $handle)))
  (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))"""


def silent() -> bytes:
    """A function that takes requests and answers none, as a .zip of a few hundred bytes that ships its component."""
    return zipped(**{"spin.toml": spin_toml(None), "app.wasm": silent_wasm()})


def silent_wasm() -> bytes:
    """The component alone."""
    return bytes(wat2wasm(_SILENT))


def component() -> Path:
    """The function of ``component/app.py`` as a component, examples/counter in it."""
    lane = Installation(shared_root() / TOOLCHAIN)
    sources = b"".join(source.read_bytes() for source in _SOURCES.values())
    identity = hashlib.sha256(sources + lane.load().key.encode()).hexdigest()
    kept = KEPT / f"{identity}.wasm"
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes want it at once
        if not kept.exists():
            _build(lane, kept)
    return kept


def counter(*outbound_hosts: str) -> bytes:
    """examples/counter as a .zip that ships its component: building one takes longer than all else that is done."""
    manifest = (ROOT / "examples" / "counter" / "spin.toml").read_text()
    built = manifest.partition("[component.counter.build]")[0]
    hosts = f"[component.counter]\nallowed_outbound_hosts = {json.dumps(outbound_hosts)}"
    built = built.replace("[component.counter]", hosts)
    return zipped(**{"spin.toml": built.encode(), "app.wasm": component().read_bytes()})


def _build(lane: Installation, kept: Path) -> None:
    environment = {"VIRTUAL_ENV": str(lane.toolchain), "PATH": os.environ["PATH"]}
    with TemporaryDirectory(dir=KEPT) as folder:
        for name, source in _SOURCES.items():
            shutil.copy(source, Path(folder, name))
        command = [str(lane.command), "-w", "spin-http", "componentize", "app", "-o", "app.wasm"]
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
        Path(folder, "app.wasm").replace(kept)
