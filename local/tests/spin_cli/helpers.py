"""Apps on disk, and the ``spin`` executable to run on them."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

REPO_ROOT = Path(__file__).resolve().parents[3]
COMPONENT = bytes.fromhex("0061736d0d000100007e03706164") + bytes(122)
"""A component of 136 bytes that holds nothing but a custom section."""

HELLO = """\
spin_manifest_version = 2

[application]
name = "hello"
version = "0.1.0"
authors = ["A <a@example.com>"]
description = "demo"

[[trigger.http]]
route = "/..."
component = "hello"

[component.hello]
source = "app.wasm"
"""


@dataclass(frozen=True)
class Result:
    """How a run ended."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Spin:
    """The executable with an environment as small as the builder's."""

    bin_dir: Path
    home: Path
    extra: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, cwd: Path, stdin: str = "") -> Result:
        """Run it."""
        path = f"{self.bin_dir}:/usr/bin:/bin"
        done = subprocess.run(
            ["spin", *arguments],
            cwd=cwd,
            input=stdin.encode(),
            capture_output=True,
            env={"PATH": path, "HOME": str(self.home), **self.extra},
            executable=str(self.bin_dir / "spin"),
            check=False,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def write_app(
    folder: Path, manifest: str = HELLO, wasm: bytes = COMPONENT, *, files: Mapping[str, bytes | str] | None = None
) -> Path:
    """Write a spin.toml, an ``app.wasm``, and files by path; returns the folder."""
    contents: dict[str, bytes | str] = {"spin.toml": manifest, "app.wasm": wasm, **(files or {})}
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder
