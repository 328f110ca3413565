"""``python -m conformance.lane [CASE ...]``: build the corpus both ways, compare, show differences, keep counts."""

import difflib
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fast_lane.snapshot import is_made_from

from conformance.lane import build, corpus, failing
from conformance.lane.build import Built
from conformance.lane.case import Case
from conformance.report import record
from conformance.serving import comparable, exchange, ours
from conformance.spin.compare import Finding, Verdict, compare
from conformance.spin.push_cases import PushCase
from conformance.spin.pushes import REPOSITORY, push, write
from local.spin_cli.wrapper import install_wrapper
from local.tests.oci.servers import LocalRegistry, local_registry

_ROOT: Final = Path(__file__).resolve().parents[2]

_OF_THIS_RUN: Final = re.compile(r"0x[0-9a-f]+(?= - )|(?<= after )[0-9.]+(?= s$)")
"""In the log: where a function of a trap's backtrace lies in its component, how long a request took."""


class Run:
    """One run over the corpus."""

    def __init__(self, registry: LocalRegistry, work: Path) -> None:
        self._registry = registry
        self._work = work
        self._spin = install_wrapper(work / "bin", sys.executable, _ROOT, None)
        self._base = build.installation().component.read_bytes()
        self.sizes: list[float] = []
        registry.ecr.create_repository(repositoryName=REPOSITORY)

    def findings(self, case: Case, number: int) -> Iterator[Finding]:
        """Everything that is compared of a case."""
        folder = self._work / f"case-{number}"
        folder.mkdir()
        real, fast = build.by_componentize_py(case), build.by_lane(case, folder / "fast.wasm")
        yield compare(
            f"{case.name}: build",
            (real.status, real.output.splitlines()),
            (fast.status, fast.output.splitlines()),
            known=case.known.get("build"),
        )
        yield compare(f"{case.name}: way", case.way, self._way(fast), known=None)
        if real.component is None or fast.component is None:
            return
        if case.way == "fast lane":
            again = build.by_lane(case, folder / "again.wasm")
            assert again.component is not None  # noqa: S101 - it was made a moment ago
            same = again.component.read_bytes() == fast.component.read_bytes()
            name = "bytes of two builds"
            yield compare(
                f"{case.name}: {name}", "the same", "the same" if same else "others", known=case.known.get(name)
            )
            self.sizes.append(fast.component.stat().st_size / real.component.stat().st_size)
        if case.requests:
            answers = [self._answers(case, component, folder) for component in (real.component, fast.component)]
            for asked, first, second in zip([*case.requests, None], *answers, strict=True):
                name = asked.name if asked is not None else "log"
                yield compare(f"{case.name}: {name}", first, second, known=case.known.get(name))

    def _way(self, built: Built) -> str:
        if built.component is not None and not is_made_from(self._base, built.component.read_bytes()):
            return "full build"
        return "full build" if "full build: " in built.said else "fast lane"

    def _answers(self, case: Case, component: Path, folder: Path) -> list[object]:
        """Return what it answers to each request, and then its log."""
        place = folder / component.stem
        place.mkdir(exist_ok=True)
        app = write(PushCase("lane", case.manifest, case.beside, component.read_bytes()), place / "app")
        reference = push(self._spin, self._registry, app, f"{folder.name}-{component.stem[:8]}")
        if reference is None:
            raise RuntimeError(f"{case.name}: the push is refused")
        with ours(reference, place) as port:
            answers: list[object] = [
                comparable(exchange(port, asked.request), asked.request.split(b" ", 1)[0].decode())
                for asked in case.requests
            ]
        lines = (place / "ours.log").read_text("utf-8", "replace").splitlines()
        return [*answers, [_OF_THIS_RUN.sub("…", line) for line in lines if not line.startswith("listening ")]]


def main(chosen: list[str]) -> int:
    """Exit status of the part, as `conformance` defines it."""
    every = [*corpus.cases(), *failing.cases()]
    cases = [case for case in every if not chosen or case.name in chosen]
    findings: list[Finding] = []
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="conformance-lane-") as name, local_registry(Path(name)) as registry:
        run = Run(registry, Path(name))
        for number, case in enumerate(cases):
            found = list(run.findings(case, number))
            findings += found
            differ = [finding for finding in found if finding.verdict is Verdict.DIFFERENT]
            print(f"{case.name}: {len(found)} compared, {len(differ)} different", flush=True)
            for finding in differ:
                print(_shown(finding))
    counts = Counter(finding.verdict for finding in findings)
    if not chosen:
        record(
            "lane",
            {
                "apps": f"{len(cases)}, {sum(bool(case.requests) for case in cases)} of them served and asked",
                "compared": f"{len(findings)}: "
                + ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict),
                "size": f"median {statistics.median(run.sizes):.3f} of componentize-py's, at most {max(run.sizes):.3f}",
                "time": f"{time.monotonic() - started:.0f} s",
            },
        )
    return int(counts[Verdict.DIFFERENT] > 0)


def _shown(finding: Finding) -> str:
    """Say what differs, line by line where there are lines."""
    real, fast = (side if isinstance(side, list) else repr(side).split("\\n") for side in (finding.real, finding.ours))
    lines = difflib.unified_diff(real, fast, "componentize-py", "fast lane", lineterm="", n=1)
    return "\n".join([f"  {finding.case}", *(f"    {line[:300]}" for line in lines)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
