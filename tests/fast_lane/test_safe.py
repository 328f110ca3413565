"""Apps that run away or write over the interpreter: they end, and spoil nothing but their own component."""

import contextlib
import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fast_lane.errors import RefusedError
from fast_lane.installation import Installation
from fast_lane.machine import Machine, Mount, new_engine
from fast_lane.time_limit import time_limit

from local.cloud.places import ROOT
from tests.fast_lane.conftest import HANDED_OVER, Lane, toolchain
from tests.fast_lane.test_command import HELLO, failing

# CPython does not check operands of bytecode: LOAD_CONST with a number beyond the constants takes whatever lies there
# for an object. Here that is a bytearray made of bytes (Include/cpython/bytearrayobject.h), which is all of the memory.
FORGED = """
import struct


def forge():
    made = struct.pack("<IIiiIIi", 1 << 28, id(bytearray), 0x7FFFFFFF, 0x7FFFFFFF, 1, 0, 0)
    pointer = struct.pack("<I", id(made) + 16)
    index = (id(pointer) + 16 - (id(()) + 12)) // 4
    operands = [index >> shift & 255 for shift in (24, 16, 8, 0)]
    code = bytes([151, 0, 144, operands[0], 144, operands[1], 144, operands[2], 100, operands[3], 83, 0])
    program = (lambda: None).__code__.replace(co_code=code, co_consts=(), co_stacksize=1)
    return type(forge)(program, {})(), made, pointer


memory, *kept = forge()
"""
SPOILT = f"""{FORGED}
import sys

memory[id(sys.version) + 20] = ord("X")
assert sys.version.startswith("X.12")
"""
DESTROYED = f"{FORGED}\nmemory[1024:4 << 20] = bytes([0xAA]) * ((4 << 20) - 1024)\n"


@pytest.fixture(scope="module")
def base() -> str:
    """Digest of everything that all builds share."""
    return digest_of(Installation(toolchain()).base)


def digest_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(str(path).encode() + path.read_bytes())
    return digest.hexdigest()


@contextlib.contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """A run of the base with one folder."""
    installation = Installation(toolchain())
    mounts = [Mount(installation.library / "python", "python"), Mount(folder, "0")]
    yield Machine(installation, installation.load(), new_engine(platform.machine()), mounts, guarded=True)


def test_what_an_app_writes_into_the_interpreter_is_in_its_own_component_only(lane: Lane, base: str) -> None:
    before = lane(files={"app.py": HELLO})
    spoilt = lane(files=failing(SPOILT))
    assert spoilt.status == 0, spoilt.output
    assert lane(files={"app.py": HELLO}).component == before.component
    assert digest_of(Installation(toolchain()).base) == base


def test_an_app_that_destroys_the_interpreter_is_judged_by_componentize_py(lane: Lane, base: str) -> None:
    before = lane(files={"app.py": HELLO})
    build = lane(files=failing(DESTROYED))
    assert (build.status, "while it is imported" in build.output) == (HANDED_OVER, True), build.output
    assert lane(files={"app.py": HELLO}).component == before.component
    assert digest_of(Installation(toolchain()).base) == base


@pytest.mark.parametrize(
    "program",
    ["while True: pass", "import time; time.sleep(3600)", "import time; time.sleep(9e9)", "x = 7 ** 7 ** 10"],
)
def test_what_takes_too_long_is_ended(program: str, tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom tests.fast_lane.test_safe import machine\n"
        "from fast_lane.time_limit import time_limit\n"
        "with machine(Path(sys.argv[1])) as run, time_limit(0.2, 'too late'), run.running():\n    run.run(sys.argv[2])"
    )
    path = os.pathsep.join([str(ROOT), str(ROOT / "builder_image")])
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path, program],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,  # an hour, or for ever, if nothing ended it
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "too late\n")


def test_what_ends_in_time_is_not_ended(tmp_path: Path) -> None:
    with machine(tmp_path) as run, time_limit(60, "too late"), run.running():
        assert run.run("import time; time.sleep(0.01)")


def test_memory_is_limited(tmp_path: Path) -> None:
    with machine(tmp_path) as run, run.running():
        assert not run.run("x = bytes(3 << 29)")
        assert b"MemoryError" in run.stderr.content
        assert run.run("x = bytes(1 << 28)")


@pytest.mark.parametrize("call", ["_drop(7)", "_ready(7)", "_block(7)", "_poll(64, 0, 64)", "_poll(0, 1, 64)"])
def test_handles_that_nobody_gave_out_are_refused(call: str, tmp_path: Path) -> None:
    with machine(tmp_path) as run:
        name, _, arguments = call.rstrip(")").partition("(")
        with pytest.raises(RefusedError):
            getattr(run._timers, name)(*map(int, arguments.split(", ")))
