"""Each bundle by itself: complete, small, loading no more than it uses, and the same for AWS as for this machine."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from infra.tools import bundles
from infra.tools.build_folder import ROOT, put_in_place, scratch_for
from infra.tools.bundle_report import files_in, import_handler
from infra.tools.bundles import ALL, API_BUNDLE, DEPLOY_BUNDLE, Bundle

HANDLERS = [(bundle, handler) for bundle in ALL for handler in bundle.handlers]

SHARED = {
    "annotated_types", "aws_lambda_powertools", "aws_xray_sdk", "boto3", "botocore", "dateutil", "functions",
    "jmespath", "multipart", "pydantic", "pydantic_core", "s3transfer", "six", "typing_extensions", "typing_inspection",
    "urllib3", "wrapt",
}  # fmt: skip
"""Top-level packages that a handler may load, beside the standard library."""
MAY_LOAD = {"builds": SHARED, "deploy": SHARED | {"kubernetes"}}

KUBERNETES = {
    "kubernetes", "kubernetes.client", "kubernetes.client.api_client", "kubernetes.client.api_response",
    "kubernetes.client.configuration", "kubernetes.client.exceptions", "kubernetes.client.models",
    "kubernetes.client.rest", "kubernetes.utils", "kubernetes.utils._retry_base", "kubernetes.utils.keepalive",
    "kubernetes.utils.retry",
}  # fmt: skip
"""All that is loaded of the Kubernetes client."""

MOST_MODULES = {
    "builds": 670, "close_task": 550, "deploy": 685, "health": 605, "ingest": 590, "reconcile": 555,
    "record_result": 550, "sign_image": 555, "wait_for_slot": 550,
}  # fmt: skip
"""Modules that a handler may load, those of the standard library included (Python 3.11): a third of a ms for each."""

_NATIVE = re.compile(r"\.(?:cpython-|abi3|cp\d)[^/]*\.so$|\.so$")
_WHEEL_TAGS = re.compile(r"\.dist-info/(?:WHEEL|RECORD)$")

UNZIPPED_LIMIT = 250 * 1024 * 1024
"""Bytes that a function's code may take, layers included (Lambda quotas)."""


def test_every_handler_has_one_bundle() -> None:
    modules = [path.stem for path in (ROOT / "functions" / "handlers").glob("[!_]*.py")]
    assert sorted(handler for _, handler in HANDLERS) == sorted(modules)


def names_in(folder: Path) -> set[str]:
    """Relative paths; compiled modules without what names their platform."""
    names = {path.relative_to(folder).as_posix() for path in files_in(folder)}
    return {re.sub(r"\.[^./]+$", "", _NATIVE.sub(".so", name)) if name.endswith(".so") else name for name in names}


def top_level(modules: list[str]) -> set[str]:
    """Packages beside the standard library among ``modules``."""
    standard = set(sys.stdlib_module_names) | {"__main__", "__mp_main__"}
    found = {module.partition(".")[0] for module in modules} - standard
    # `_sysconfigdata_…` is the standard library's, `_cython_…` is made by compiled modules, `six.moves` by six.
    return {name for name in found if not name.startswith(("_sysconfigdata", "_cython", "cython_runtime"))}


@pytest.mark.parametrize(("bundle", "handler"), HANDLERS, ids=[handler for _, handler in HANDLERS])
def test_a_handler_loads_from_its_bundle_alone_and_no_more_than_it_uses(bundle: Bundle, handler: str) -> None:
    modules = import_handler(bundle.build_for_this_interpreter(), handler).modules
    assert top_level(modules) <= MAY_LOAD[bundle.name]
    assert {"asyncio", "sqlite3"} & set(modules) == set()
    assert len(modules) <= MOST_MODULES[handler]


def test_the_deploy_function_loads_the_kubernetes_clients_transport_alone() -> None:
    modules = import_handler(DEPLOY_BUNDLE.build_for_this_interpreter(), "deploy").modules
    assert {module for module in modules if module.partition(".")[0] == "kubernetes"} == KUBERNETES


def test_the_build_functions_do_without_the_kubernetes_client() -> None:
    assert not (API_BUNDLE.build() / "kubernetes").exists()


@pytest.mark.parametrize("bundle", ALL, ids=[bundle.name for bundle in ALL])
def test_a_bundle_is_far_below_lambdas_limit(bundle: Bundle) -> None:
    size = sum(path.stat().st_size for path in files_in(bundle.build()))
    assert size < UNZIPPED_LIMIT / 5


@pytest.mark.parametrize("bundle", ALL, ids=[bundle.name for bundle in ALL])
def test_what_is_tested_here_is_what_is_shipped(bundle: Bundle) -> None:
    here, shipped = names_in(bundle.build_for_this_interpreter()), names_in(bundle.build())
    assert {name for name in here ^ shipped if not _WHEEL_TAGS.search(name)} == set()


@pytest.mark.parametrize("umask", [0o077, 0o027, 0o002])
def test_lambda_may_read_a_bundle_whatever_the_umask(
    umask: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lambda runs as another user than the files' owner, and keeps their modes."""
    monkeypatch.setattr(bundles, "BUILD", tmp_path)
    before = os.umask(umask)
    try:
        folder = API_BUNDLE.build_for_this_interpreter()
    finally:
        os.umask(before)
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in [folder, *folder.rglob("*")]}
    assert modes == {(True, 0o755), (False, 0o644)}


@pytest.mark.parametrize("bundle", ALL, ids=[bundle.name for bundle in ALL])
def test_compiled_modules_are_for_lambdas_processor(bundle: Bundle) -> None:
    arm64 = (183).to_bytes(2, "little")  # e_machine of an ELF header: EM_AARCH64
    compiled = [path for path in files_in(bundle.build()) if path.suffix == ".so"]
    assert compiled
    assert {path.name for path in compiled if path.read_bytes()[18:20] != arm64} == set()


def test_the_clients_usual_imports_work_from_the_bundle() -> None:
    code = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "from kubernetes import client\n"
        "from kubernetes.client import ApiClient, ApiException, Configuration\n"
        "from kubernetes.client.rest import RESTClientObject\n"
        "ApiClient(Configuration(host='https://127.0.0.1')).close()\n"
        "assert client.ApiClient is ApiClient\n"
        "try:\n    client.CoreV1Api\nexcept AttributeError as error:\n    print(error)\n"
    )
    folder = str(DEPLOY_BUNDLE.build_for_this_interpreter())
    command = [sys.executable, "-I", "-S", "-c", code, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "no attribute 'CoreV1Api' in this bundle" in done.stdout


def test_of_what_was_made_before_the_newest_stay(tmp_path: Path) -> None:
    """build/ does not grow for ever; what has another name is another thing."""
    (tmp_path / "other-1").mkdir()
    for number in range(12):
        scratch = scratch_for(tmp_path / f"builds-{number}")
        scratch.mkdir()
        os.utime(scratch, (number, number))
        put_in_place(scratch, tmp_path / f"builds-{number}")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"other-1", *(f"builds-{number}" for number in range(4, 12))}
