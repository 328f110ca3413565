"""Sandboxes and whole builds for hostile uploads. Root only: without it there is no second user to drop to."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from builder.sandbox import own_disk
from builder.sandbox.run import Outcome, Sandbox
from builder.settings import MIB, Limits

from tests.unit.builder.conftest import aws, check_upload, cloud, mypy_cache
from tests.unit.builder.harness import FIRST_UID, TOOLCHAIN, open_folder

__all__ = ["aws", "check_upload", "cloud", "mypy_cache"]

MakeBox = Callable[..., "Box"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip without root, and say so."""
    if os.geteuid() != 0:
        for item in items:
            if "security/builder" in str(item.path):
                item.add_marker(pytest.mark.skip(reason="the sandbox needs root to become another user"))


def may_make_namespaces() -> bool:
    """Whether this process may make namespaces and mounts (CAP_SYS_ADMIN)."""
    effective = re.search(r"^CapEff:\s*(\w+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert effective is not None
    return bool(int(effective[1], 16) >> 21 & 1)


@pytest.fixture(scope="session", autouse=True)
def _as_the_builder() -> None:
    """Give steps a disk of their own where the host allows it: the builder's first act, too."""
    own_disk.take_namespace()


@pytest.fixture
def no_own_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow no mounts, as in CodeBuild: what only the watch over a step sees."""
    monkeypatch.setattr(own_disk, "mount", lambda *_: False)


@dataclass
class Box:
    """A sandbox that runs shell and Python programs, and the folder around it."""

    sandbox: Sandbox
    around: Path
    lines: list[str]

    @property
    def uid(self) -> int:
        """Its user."""
        assert self.sandbox.user.uid is not None
        return self.sandbox.user.uid

    def sh(self, script: str, seconds: float = 20) -> Outcome:
        """Run a shell script."""
        return self._run(["/bin/sh", "-c", script], seconds)

    def python(self, program: str, seconds: float = 20) -> Outcome:
        """Run a Python program."""
        return self._run([str(TOOLCHAIN / "bin" / "python"), "-I", "-c", program], seconds)

    def _run(self, command: list[str], seconds: float) -> Outcome:
        return self.sandbox.run(command, self.sandbox.folder, seconds, self.lines.append)


@pytest.fixture
def make_box() -> Iterator[MakeBox]:
    """Makes sandboxes with these limits (names of `Limits`)."""
    with ExitStack() as stack:
        around = stack.enter_context(open_folder())

        def make(**limits: int) -> Box:
            number = len(list(around.glob("box*")))
            chosen = Limits.model_validate({"memory_bytes": 512 * MIB, **limits})
            environment = {"PATH": "/usr/bin:/bin"}
            sandbox = Sandbox.make(around / f"box{number}", environment, str(FIRST_UID), around / "locks", chosen)
            stack.enter_context(sandbox)
            sandbox.hand_over()
            return Box(sandbox, around, [])

        yield make


@pytest.fixture
def box(make_box: MakeBox) -> Box:
    """A sandbox with ordinary limits."""
    return make_box()
