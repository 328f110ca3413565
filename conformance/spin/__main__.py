"""``python -m conformance.spin``: compare, print what differs, keep the counts."""

import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from conformance.report import NOT_RUN, record
from conformance.spin import http_cases, push_cases
from conformance.spin.compare import Finding, Verdict
from conformance.spin.http_answers import compare_http
from conformance.spin.pushes import compare_pushes
from local.tests.oci.servers import local_registry

_VERSION = "3.6."


def main() -> int:
    """Exit status of the part, as `conformance` defines it."""
    spin = shutil.which("spin")
    if spin is None:
        print("Not run: there is no `spin` on PATH (3.6.3 is what SpinKube's shim v0.24.0 is built on).")
        return NOT_RUN
    said = subprocess.run([spin, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if not said.removeprefix("spin ").startswith(_VERSION):
        print(f"Not run: the `spin` on PATH is {said}, and the stand-in is one for {_VERSION}x.")
        return NOT_RUN
    with tempfile.TemporaryDirectory(prefix="conformance-spin-") as name, local_registry(Path(name)) as registry:
        pushes = compare_pushes(Path(spin), registry, Path(name), push_cases.cases())
        answers = compare_http(Path(spin), registry, Path(name), http_cases.cases())
    record("spin", {"spin": said, "pushes": _counts(pushes), "HTTP": _counts(answers)})
    different = [finding for finding in (*pushes, *answers) if finding.verdict is Verdict.DIFFERENT]
    for finding in different:
        print(finding)
    return int(bool(different))


def _counts(findings: list[Finding]) -> str:
    counts = Counter(finding.verdict for finding in findings)
    return f"{len(findings)} cases: " + ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict)


if __name__ == "__main__":
    sys.exit(main())
