"""Serve one app with both sides, send the same bytes, and compare what comes back."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from conformance.serving import comparable, exchange, ours, real
from conformance.spin.compare import Finding, compare
from conformance.spin.http_cases import FILES, MANIFEST, HttpCase
from conformance.spin.push_cases import PushCase
from conformance.spin.pushes import push, write
from local.spin_cli.wrapper import install_wrapper
from local.tests.oci.servers import LocalRegistry
from tests.support import components

_ROOT: Final = Path(__file__).resolve().parents[2]


def compare_http(spin: Path, registry: LocalRegistry, work: Path, chosen: Iterable[HttpCase]) -> list[Finding]:
    """Push the tests' component with the stand-in, serve that image with both sides, and send the chosen requests."""
    wasm = components.component().read_bytes()
    folder = write(PushCase("sample", MANIFEST, FILES, wasm), work / "sample")
    stand_in = install_wrapper(work / "bin", sys.executable, _ROOT, None)
    reference = push(stand_in, registry, folder, "sample")
    if reference is None:
        raise RuntimeError("the stand-in refuses the sample app")
    with real(spin, reference, work) as theirs, ours(reference, work) as own:
        return [_compared(case, theirs, own) for case in chosen]


def _compared(case: HttpCase, theirs: int, own: int) -> Finding:
    method = case.request.split(b" ", 1)[0].decode()
    answers = [comparable(exchange(port, case.request), method) for port in (theirs, own)]
    return compare(f"HTTP, {case.name}", *answers, known=case.known)
