"""Two machines with the same image make the same component, and the same image, of one source.

The second machine is the toolchain's files copied to another place, as an image is unpacked on another machine: other
paths, inodes, times and order in folders, no bytecode of the builder's Python. What else may differ is varied a few
conditions at a time, and all at once. Processors' models cannot be varied here: docs/building.md tells of them.
"""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from fast_lane.installation import FOLDER, Installation

from local.oci.reference import sha256_digest
from local.spin_cli.image import build_image, read_sources
from local.spin_cli.lock import load_app
from tests.fast_lane.conftest import STANDARD, toolchain
from tests.support.client import spin_toml

_NOBODY: Final = 65534
_RENAMED: Final = ("sh", "-c", 'hostname b; exec "$0" "$@"')
_UNSHARE: Final = ("unshare", "--user", "--map-root-user")
_CREATED: Final = "1970-01-01T00:00:00Z"
_PARTS: Final = ("wasmtime", "spin_sdk")
"""What the lane reads of the toolchain's packages. Of the others CPython sees the names."""
# Sets and dicts of strings (hash seed), names of a folder, what the start of an interpreter draws, identities, and
# floating point: each of them ends up in the memory that the component is made of.
SOURCE: Final = """
import helpers.one, json, logging, math, random, re, uuid
from spin_sdk.http import IncomingHandler, Request, Response

NAMES = {f"name {number}" for number in range(300)} | set(dir(helpers))
ORDER = list(NAMES)
FLOATS = [math.sin(number) / 3 for number in range(300)] + [float("nan"), -float("inf")]
WORDS = re.compile("|".join(sorted(NAMES)))
OBJECTS = {object(): number for number in range(300)}
LOG = logging.getLogger("app")

class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        return Response(200, {"content-type": "text/plain"}, bytes(json.dumps(ORDER), "utf-8"))
"""
FILES: Final = {"app.py": SOURCE, "helpers/__init__.py": ""} | {
    f"helpers/{name}.py": "import os.path, string\n" for name in ("one", *(f"more{number}" for number in range(30)))
}


@dataclass(frozen=True, slots=True)
class Machine:
    """What is particular about a machine, or about who builds there."""

    environment: Mapping[str, str] = field(default_factory=dict)
    wrapper: Sequence[str] = ()
    """A command that runs the one that follows it elsewhere."""
    umask: int = 0o022
    user: int | None = None
    limits: Mapping[int, int] = field(default_factory=dict)
    processors: int | None = None
    memory_disk: bool = True
    folder: str = "app"


MACHINES: Final[Mapping[str, Machine]] = {
    "variables": Machine(
        {"TZ": "Asia/Seoul", "LANG": "ko_KR.UTF-8", "LC_ALL": "ko_KR.EUC-KR", "HOME": "/nowhere", "USER": "somebody"}
        | {"PYTHONHASHSEED": "7", "PYTHONPATH": "/nowhere", "PYTHONOPTIMIZE": "2", "PYTHONDONTWRITEBYTECODE": "1"}
        | {f"VARIABLE_{number}": "x" * number for number in range(500)}
    ),
    "user": Machine(user=_NOBODY, umask=0o077),
    "limits": Machine(processors=1, limits={resource.RLIMIT_NOFILE: 64, resource.RLIMIT_STACK: 1 << 20}, umask=0),
    "place": Machine(memory_disk=False, folder="/".join(["folder-with-a-long-name"] * 20)),
    "host": Machine(wrapper=(*_UNSHARE, "--uts", "--pid", "--fork", "--time", "--monotonic", "8640000", *_RENAMED)),
    "addresses": Machine(wrapper=("setarch", "--addr-no-randomize", "--uname-2.6")),
    "everything": Machine(
        {"TZ": "America/Caracas", "LANG": "C", "HOME": "/", "PYTHONHASHSEED": "0", "VARIABLE": "x" * 10_000},
        wrapper=("setarch", "--addr-no-randomize", "--uname-2.6"),
        umask=0o007,
        user=_NOBODY - 1,
        limits={resource.RLIMIT_NOFILE: 100},
        processors=1,
        memory_disk=False,
        folder="b" * 100,
    ),
}


@pytest.fixture(scope="module")
def other_installation() -> Iterator[Path]:
    """The lane's files, unpacked elsewhere: the last ones first, all of another time."""
    with TemporaryDirectory() as name:
        folder, real = Path(name, "other", "toolchain"), toolchain()
        Path(name).chmod(0o755)
        packages = Installation(real).site_packages
        parts = (real / FOLDER, *(packages / name for name in _PARTS))
        files = (path for part in parts for path in part.rglob("*") if path.is_file())
        # The base has bytecode, of another Python; this Python's is made by who runs it first.
        made_here = f".{sys.implementation.cache_tag}.pyc"
        for path in sorted((path for path in files if not path.name.endswith(made_here)), reverse=True):
            target = folder / path.relative_to(real)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            shutil.copymode(path, target)
            os.utime(target, (1, 1))
        for path in packages.iterdir():
            target = folder / path.relative_to(real)
            if path.is_dir():
                target.mkdir(exist_ok=True)
            else:
                shutil.copyfile(path, target)
        (folder / "bin").mkdir()
        (folder / "bin" / "python").symlink_to(Path(sys.executable).resolve())
        command = folder / FOLDER / "bin" / "componentize-py"
        command.write_text(command.read_text().replace(str(real), str(folder)))
        yield folder


@pytest.fixture(scope="module")
def first() -> tuple[bytes, str]:
    """Component and image that the prepared toolchain makes."""
    return _made(toolchain(), Machine(), FILES)


@pytest.mark.parametrize("name", MACHINES)
def test_another_machine_makes_the_same_component_and_image(
    name: str, other_installation: Path, first: tuple[bytes, str]
) -> None:
    machine = MACHINES[name]
    if machine.wrapper and subprocess.run([*machine.wrapper, "true"], capture_output=True, check=False).returncode:
        pytest.skip(f"{machine.wrapper[0]} is not allowed here")
    if machine.user is not None and os.geteuid() != 0:
        pytest.skip("only root may run a process as another user")
    made = _made(other_installation, machine, dict(reversed(FILES.items())))
    assert (sha256_digest(made[0]), made[1]) == (sha256_digest(first[0]), first[1])


def test_another_source_is_seen(other_installation: Path, first: tuple[bytes, str]) -> None:
    """What the others compare does tell sources apart."""
    component, image = _made(other_installation, Machine(), {**FILES, "app.py": SOURCE.replace("300", "301")})
    assert component != first[0]
    assert image != first[1]


def _made(installation: Path, machine: Machine, files: Mapping[str, str]) -> tuple[bytes, str]:
    """The component, and the digest of the image of it."""
    with TemporaryDirectory(dir="/dev/shm" if machine.memory_disk else None) as name:
        folder = Path(name, machine.folder)
        folder.mkdir(parents=True)
        for path, content in files.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(content)
        if machine.user is not None:
            for place in [Path(name), *Path(name).rglob("*")]:
                os.chown(place, machine.user, machine.user)
        environment = {"PATH": os.environ["PATH"], "VIRTUAL_ENV": str(installation), "LANG": "C.UTF-8"}
        done = subprocess.run(
            [*machine.wrapper, installation / FOLDER / "bin" / "componentize-py", *STANDARD],
            cwd=folder,
            env={**environment, **machine.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            user=machine.user,
            group=machine.user,
            extra_groups=None if machine.user is None else [],
            umask=machine.umask,
            preexec_fn=_become(machine),
        )
        assert (done.returncode, "fast lane: app.wasm in" in done.stdout) == (0, True), done.stdout
        (folder / "spin.toml").write_bytes(spin_toml("componentize-py -w spin-http componentize app -o app.wasm"))
        app = load_app(str(folder / "spin.toml"))
        image = build_image(app, read_sources(app), created=_CREATED)
        return (folder / "app.wasm").read_bytes(), sha256_digest(image.manifest)


def _become(machine: Machine) -> Callable[[], None]:
    """Return what a process does before it becomes the build."""

    def become() -> None:
        for kind, most in machine.limits.items():
            resource.setrlimit(kind, (most, most))
        if machine.processors is not None:
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: machine.processors])

    return become
