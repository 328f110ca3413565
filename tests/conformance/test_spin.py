"""The part `spin`, with a small fake in the place of the real one: our own two sides behind its command line."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.report import NOT_RUN
from conformance.spin import __main__ as part
from conformance.spin.compare import Verdict
from conformance.spin.http_answers import compare_http
from conformance.spin.http_cases import HttpCase, request
from conformance.spin.push_cases import PushCase, manifest
from conformance.spin.pushes import compare_pushes
from local.tests.oci.servers import LocalRegistry, local_registry
from tests.support import components

ROOT = Path(__file__).resolve().parents[2]

_FAKE = """\
#!/bin/sh
set -e
if [ "$1" = up ]; then
  shift 3
  exec {python} {serve} "$@"
fi
if grep -q FAULT "$5"; then
  sed s/FAULT/fault/ "$5" > "$5.changed"
  set -- registry push -k --from "$5.changed" "$6"
fi
exec {python} -I {stand_in} "$@"
"""

_SERVE = """\
import asyncio, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from local.spin_host.cli import main
from local.kubernetes.kubelet.images import ImageStore
reference, _, address, _, state = sys.argv[1:]
image = asyncio.run(ImageStore(Path(state) / "images", None, None).ensure(reference, pull_always=True))
options = ["--app", str(image.folder), "--port", address.rpartition(":")[2], "--timeout", "20"]
sys.exit(main([*options, "--state-dir", state, "--cache-dir", {cache!r}]))
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRegistry]:
    """A running registry without repositories."""
    with local_registry(tmp_path_factory.mktemp("ministack")) as running:
        yield running


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    """A `spin` that pushes something else where a manifest says FAULT."""
    serve, spin = tmp_path / "serve.py", tmp_path / "spin"
    serve.write_text(_SERVE.format(root=str(ROOT), cache=str(components.COMPILED)))
    stand_in = ROOT / "local" / "spin_cli" / "__main__.py"
    spin.write_text(_FAKE.format(python=sys.executable, serve=serve, stand_in=stand_in))
    spin.chmod(0o755)
    return spin


def test_both_kinds_of_cases(fake: Path, registry: LocalRegistry, tmp_path: Path) -> None:
    pushes = [
        PushCase("same", manifest('files = ["d"]')),
        PushCase("both refuse", manifest("unknown = 1")),
        PushCase("differs", manifest('description = "FAULT"')),
        PushCase("may differ", manifest('description = "FAULT"'), known="for a reason"),
    ]
    verdicts = [finding.verdict for finding in compare_pushes(fake, registry, tmp_path, pushes)]
    assert verdicts == [Verdict.SAME, Verdict.SAME, Verdict.DIFFERENT, Verdict.KNOWN]
    answers = [
        HttpCase("same", request("/hello")),
        HttpCase("closed", request("/raw/unfinished")),
        HttpCase("a file", request("/read?path=/greeting.txt")),
    ]
    assert [finding.verdict for finding in compare_http(fake, registry, tmp_path, answers)] == [Verdict.SAME] * 3


def test_without_a_spin_it_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert part.main() == NOT_RUN
    assert capsys.readouterr().out.count("\n") == 1
