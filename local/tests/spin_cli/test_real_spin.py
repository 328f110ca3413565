"""A `spin` that speaks HTTPS only, led to the stack's own registry and kept from the real one."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cloud.processes import free_port
from local.oci.pull import pull_image
from local.spin_cli.real_spin import install_real_spin
from local.tests.oci.servers import ACCOUNT, ECR_HOST, REGION, LocalRegistry
from local.tests.spin_cli import strict_spin
from local.tests.spin_cli.helpers import REPO_ROOT, Spin, write_app

NAME = f"{ECR_HOST}/real/app"
ELSEWHERE = ECR_HOST.replace(REGION, "us-east-1")


@pytest.fixture(scope="module")
def proxy(registry: LocalRegistry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """Port of the running part, and its bundle of authorities."""
    folder, port = tmp_path_factory.mktemp("proxy"), free_port()
    command = [sys.executable, "-m", "local.oci.registry_proxy", "--port", str(port), "--upstream", registry.aws_url]
    command += [
        "--region",
        REGION,
        "--account",
        ACCOUNT,
        "--folder",
        str(folder),
        "--bundle",
        str(folder / "bundle.pem"),
    ]
    with subprocess.Popen(command, cwd=REPO_ROOT) as process:
        try:
            deadline = time.monotonic() + 60
            while not (folder / "bundle.pem").exists():
                assert time.monotonic() < deadline
                assert process.poll() is None
                time.sleep(0.05)
            yield port, folder / "bundle.pem"
        finally:
            process.terminate()


@pytest.fixture
def real(proxy: tuple[int, Path], tmp_path: Path) -> Spin:
    """The strict command under its wrapper, on a machine with proxy settings of its own."""
    script = tmp_path / "real bin" / "spin"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(strict_spin.__file__)} "$@"\n')
    script.chmod(0o755)
    port, bundle = proxy
    install_real_spin(tmp_path / "bin", script, f"http://127.0.0.1:{port}", bundle)
    own = {"NO_PROXY": "*", "HTTPS_PROXY": "http://127.0.0.1:9"}
    return Spin(tmp_path / "bin", tmp_path / "home", own)


def _login(spin: Spin, host: str, folder: Path, password: str = "any") -> tuple[int, str]:  # noqa: S107
    done = spin("registry", "login", "--username=AWS", "--password-stdin", host, cwd=folder, stdin=password)
    return done.status, done.out + done.err


def test_it_logs_in_and_pushes_to_the_stacks_own_registry(real: Spin, registry: LocalRegistry, tmp_path: Path) -> None:
    registry.ecr.create_repository(repositoryName="real/app")
    assert _login(real, ECR_HOST, tmp_path, registry.credentials.password) == (
        0,
        f"Successfully logged in as AWS to registry {ECR_HOST}\n",
    )
    app = write_app(tmp_path / "app", files={"large": bytes(3_000_000)})
    manifest = (app / "spin.toml").read_text() + 'files = ["large"]\n'
    (app / "spin.toml").write_text(manifest)
    pushed = real("registry", "push", "--from", str(app / "spin.toml"), f"{NAME}:v1", cwd=tmp_path)
    assert pushed.status == 0, pushed.err
    image = pull_image(f"{NAME}:v1", tmp_path / "store", mirrors=registry.mirrors, credentials=registry.credentials)
    assert pushed.out == f"Pushed with digest {image.manifest_digest}\n"


def test_no_other_registry_of_that_account_is_reached(real: Spin, tmp_path: Path) -> None:
    status, said = _login(real, ELSEWHERE, tmp_path)
    assert status == 1
    assert "403 Not a registry of the one-machine cloud" in said


def test_other_registries_are_reached_where_they_are(real: Spin, registry: LocalRegistry, tmp_path: Path) -> None:
    # A plain-HTTP server on this machine stands for a registry elsewhere: the way there is open, its TLS is not ours.
    host = registry.open_url.removeprefix("http://")
    status, said = _login(real, host, tmp_path)
    assert status == 1
    assert "SSL" in said


def test_nothing_is_listening_there(real: Spin, tmp_path: Path) -> None:
    status, said = _login(real, "127.0.0.1:9", tmp_path)
    assert status == 1
    assert "502" in said


def test_other_commands_keep_their_environment(real: Spin, tmp_path: Path) -> None:
    assert real("build", cwd=tmp_path).out == "environment http://127.0.0.1:9\n"
