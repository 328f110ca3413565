"""Builds that run away: each ends by itself within its limits, says which, and takes nothing else down.

The limits of this folder's cloud are small; those of other clouds are there for the same code, only larger.
"""

import os
import re
import time

import pytest

from tests.security.service.conftest import SECONDS
from tests.security.service.stores import command_lines
from tests.support.client import COMPONENT, Client, spin_toml, zipped

FORKS = "import os, time\nwhile True:\n  try: os.fork()\n  except OSError: time.sleep(0.5)\n"
MEMORY = "kept = []\nwhile True: kept.append(bytearray(b'x') * (8 << 20))\n"
DEEP = "import os\nwhile True:\n  os.mkdir('d' * 200)\n  os.chdir('d' * 200)\n  open('f', 'wb').write(b'x' * 65536)\n"

RUNAWAYS: dict[str, tuple[str, str]] = {
    "sleeps for ever": ("echo tired; sleep 1000000", f"the build took longer than {SECONDS} seconds\n(.|\n)*tired"),
    "ignores every signal": ("trap '' TERM INT HUP QUIT; while :; do sleep 1; done", "took longer than"),
    "forks without end": ("python forks.txt", "took longer than|Exited"),
    "fills the disk": ("i=0; while :; do i=$((i+1)); head -c 30000000 /dev/zero > f$i; done", "bytes to disk"),
    "fills the disk in /tmp": (
        "while :; do head -c 30000000 /dev/zero > $(mktemp /tmp/XXXXXXXX); done",
        "bytes to disk",
    ),
    "fills the disk with folders": ("python deep.txt", "nested too deeply|bytes to disk"),
    "one huge file": (
        "head -c 1000000000 /dev/zero > huge; test $(stat -c %s huge) -lt 70000000 && exit 9",
        r"Exited\(9\)",
    ),
    "takes all memory": ("python memory.txt", "bytes of memory|MemoryError|Signal|Exited"),
}
"""Name to build command, and what the error says."""


@pytest.fixture(scope="module")
def errors(cloud: Client) -> dict[str, str]:
    """All at once, with honest builds between them."""
    files = {
        "app.wasm": COMPONENT,
        "forks.txt": FORKS.encode(),
        "memory.txt": MEMORY.encode(),
        "deep.txt": DEEP.encode(),
    }
    tasks, honest = {}, []
    for number, (name, (command, _)) in enumerate(RUNAWAYS.items()):
        tasks[name] = cloud.start("app.zip", zipped(**files, **{"spin.toml": spin_toml(command)}))
        if number % 3 == 0:
            source = zipped(**{"spin.toml": spin_toml("sleep 1"), "app.wasm": COMPONENT, "number": b"%d" % number})
            honest.append(cloud.start("app.zip", source))
    ended = {name: cloud.wait(task_id) for name, task_id in tasks.items()}
    assert {name: task["status"] for name, task in ended.items()} == dict.fromkeys(RUNAWAYS, "failed")
    assert {cloud.wait(task_id)["status"] for task_id in honest} == {"done"}
    return {name: task["error"] for name, task in ended.items()}


@pytest.mark.parametrize("name", RUNAWAYS)
def test_it_ends_and_says_which_limit(errors: dict[str, str], name: str) -> None:
    assert re.search(RUNAWAYS[name][1], errors[name]), errors[name]


def test_much_output_is_not_kept(cloud: Client) -> None:
    """In one line, and in many; the log says that there was more. (A gigabyte of it: tests/security/builder.)"""
    lines = spin_toml("yes a line of output | head -c 100000000")
    one_line = spin_toml("head -c 100000000 /dev/zero | tr '\\\\0' x")
    tasks = [cloud.start("app.zip", zipped(**{"spin.toml": t, "app.wasm": COMPONENT})) for t in (lines, one_line)]
    for task_id in tasks:
        task = cloud.wait(task_id)
        assert task["status"] == "done" or f"took longer than {SECONDS} seconds" in task["error"]
        assert len(task["error"] or "") < 20_000
        assert len(cloud.build_log(task_id)) < 100_000


@pytest.mark.skipif(os.geteuid() != 0, reason="without root, steps have no user of their own to look for")
def test_nothing_of_them_is_left(cloud: Client, errors: dict[str, str]) -> None:
    deadline = time.monotonic() + 30
    markers = (b"forks.txt", b"memory.txt", b"deep.txt", b"1000000")
    while left := [name for name, line in command_lines() if any(marker in line for marker in markers)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.2)
