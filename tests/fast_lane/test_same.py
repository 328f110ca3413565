"""One app built by the lane and by componentize-py: the same answers, logs and view of the interpreter over HTTP."""

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from fast_lane.installation import Installation

from local.cloud.places import ROOT
from local.tests.spin_host.pods import Pod, Pulled, start
from tests.fast_lane.conftest import STANDARD, toolchain
from tests.support.components import COMPILED, KEPT

SOURCE = Path(__file__).with_name("probe.py").read_bytes()


@dataclass(frozen=True, slots=True)
class Served:
    """What a component answered, and what stood in its log."""

    answers: dict[str, tuple[int, str]]
    log: tuple[list[str], list[str]]

    @property
    def view(self) -> dict[str, Any]:
        """What the app tells of itself."""
        told: dict[str, Any] = json.loads(self.answers["/"][1])
        return told


def build(command: Path, target: Path) -> Path:
    with TemporaryDirectory() as folder:
        Path(folder, "app.py").write_bytes(SOURCE)
        subprocess.run(
            [command, *STANDARD],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "VIRTUAL_ENV": str(toolchain()), "PYTHONDONTWRITEBYTECODE": "1"},
            check=True,
            capture_output=True,
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(Path(folder, "app.wasm").read_bytes())
    return target


def serve(component: Path, folder: Path) -> Served:
    app = Pulled(folder / "app", component).add("probe", "/...").write()
    COMPILED.mkdir(mode=0o700, parents=True, exist_ok=True)
    pod = Pod(start(app, folder / "state", COMPILED))
    try:
        answers = {path: (got.status_code, got.text) for path in PATHS for got in [pod.get(path)]}
        again = pod.get("/random")
        answers["/random again"] = (again.status_code, again.text)
    finally:
        pod.stop()
    return Served(answers, (pod.lines, pod.errors))


PATHS = ("/", "/random", "/age", "/crash", "/late")


@pytest.fixture(scope="module")
def components(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The lane's, and the real one's, which is kept: it takes longer than all other tests of this folder."""
    installation = Installation(toolchain())
    pins = (ROOT / "builder_image" / "toolchain.txt").read_bytes()
    plain = KEPT / f"probe-{hashlib.sha256(SOURCE + pins).hexdigest()}.wasm"
    if not plain.exists():
        build(installation.real, plain)
    return build(installation.command, tmp_path_factory.mktemp("fast") / "app.wasm"), plain


@pytest.fixture(scope="module")
def served(components: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Served, Served]:
    """What both answer."""
    fast, plain = (serve(component, tmp_path_factory.mktemp("pod")) for component in components)
    return fast, plain


@pytest.mark.parametrize("moment", ["import", "now"])
def test_the_app_sees_the_same_interpreter(served: tuple[Served, Served], moment: str) -> None:
    fast, plain = (one.view[moment] for one in served)
    assert fast == plain


def test_answers_and_logs_are_the_same(served: tuple[Served, Served]) -> None:
    fast, plain = served
    for path in ("/crash", "/late"):
        assert fast.answers[path] == plain.answers[path] == (500, "")
    assert fast.log == plain.log
    assert "ValueError: 한글\n" in fast.log[1]


def test_it_has_half_the_bytes(components: tuple[Path, Path]) -> None:
    fast, plain = (component.stat().st_size for component in components)
    assert fast < 0.55 * plain


def test_random_numbers_are_new_in_each_request(served: tuple[Served, Served]) -> None:
    for one in served:
        assert one.answers["/random"] != one.answers["/random again"]


def test_time_at_import_is_the_time_of_the_build(served: tuple[Served, Served]) -> None:
    for one in served:
        assert json.loads(one.answers["/age"][1]) > 0
