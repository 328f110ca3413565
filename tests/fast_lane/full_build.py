"""``python -m tests.fast_lane.full_build``: build the probe with componentize-py, serve it, record what is seen.

A full build takes fourteen seconds of a processor and makes the same of the same pins each time: the tests compare the
fast lane with what was recorded of one. Run it after a change of the probe or of the toolchain; the test says so.
"""

import hashlib
import json
import os
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from fast_lane.installation import Installation

from local.cloud.places import ROOT
from local.tests.spin_host.pods import Pod, Pulled, start
from tests.fast_lane.conftest import STANDARD, toolchain
from tests.support.components import COMPILED

PATHS: Final = ("/", "/random", "/age", "/crash", "/late")
SOURCE: Final = Path(__file__).with_name("probe.py").read_bytes()
RECORD: Final = Path(__file__).with_name("full_build.json")


@dataclass(frozen=True, slots=True)
class Served:
    """What a component answered (status and text by path), what stood in its log, and its bytes."""

    answers: dict[str, list[Any]]
    log: list[list[str]]
    size: int

    @property
    def view(self) -> dict[str, Any]:
        """What the app tells of itself."""
        told: dict[str, Any] = json.loads(self.answers["/"][1])
        return told


def made_from() -> str:
    """Digest what a full build depends on: the probe and the toolchain's pins."""
    return hashlib.sha256(SOURCE + (ROOT / "builder_image" / "toolchain.txt").read_bytes()).hexdigest()


def recorded() -> tuple[str, Served]:
    """Return what the full build was made from, and what was seen of it."""
    record = json.loads(RECORD.read_text("utf-8"))
    return record["made_from"], Served(**record["served"])


def build(command: Path, folder: Path) -> Path:
    """Build the probe with this ``componentize-py``."""
    Path(folder, "app.py").write_bytes(SOURCE)
    subprocess.run(
        [command, *STANDARD],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "VIRTUAL_ENV": str(toolchain()), "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
        capture_output=True,
    )
    return folder / "app.wasm"


def serve(component: Path, folder: Path) -> Served:
    """Ask a component for everything, in a pod of its own."""
    app = Pulled(folder / "app", component).add("probe", "/...").write()
    COMPILED.mkdir(mode=0o700, parents=True, exist_ok=True)
    pod = Pod(start(app, folder / "state", COMPILED))
    try:
        answers = {path: [got.status_code, got.text] for path in PATHS for got in [pod.get(path)]}
        again = pod.get("/random")
        answers["/random again"] = [again.status_code, again.text]
    finally:
        pod.stop()
    return Served(answers, [pod.lines, pod.errors], component.stat().st_size)


def main() -> None:
    """Record."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        served = serve(build(Installation(toolchain()).real, folder), folder)
    record = {"made_from": made_from(), "served": asdict(served)}
    RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
