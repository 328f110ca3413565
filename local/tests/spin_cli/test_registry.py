"""``spin registry login`` and ``push`` against the real ministack behind the gate."""

import asyncio
import base64
import json
import os
import re
from pathlib import Path

import httpx
import pytest

from local.kubernetes.kubelet.images import ImageStore
from local.oci.pull import pull_image
from local.oci.reference import sha256_digest
from local.spin_host.files import Directory, File
from local.spin_host.locked_app import AppFolder
from local.tests.oci.servers import ECR_HOST, LocalRegistry
from local.tests.spin_cli.helpers import COMPONENT, HELLO, Spin, write_app

NAME = f"{ECR_HOST}/blue/app"
LOGIN = ("registry", "login", "--username=AWS", "--password-stdin")
PUSHED = re.compile(r"Pushed with digest (sha256:[0-9a-f]{64})\n")


_given: dict[str, str] = {}


def password() -> str:
    """The registry's, once it is up."""
    return _given["password"]


@pytest.fixture(scope="module", autouse=True)
def repository(registry: LocalRegistry) -> None:
    _given["password"] = registry.credentials.password
    registry.ecr.create_repository(repositoryName="blue/app")


def login(spin: Spin, folder: Path, given: str | None = None) -> Path:
    result = spin(*LOGIN, ECR_HOST, cwd=folder, stdin=given or password())
    assert (result.status, result.out, result.err) == (
        0,
        f"Successfully logged in as AWS to registry {ECR_HOST}\n",
        "",
    )
    return spin.home / ".config" / "fermyon" / "registry-auth.json"


def test_login_keeps_the_password_as_it_came(spin_to_registry: Spin, tmp_path: Path) -> None:
    file = login(spin_to_registry, tmp_path, "pass\n")
    pair = base64.b64encode(b"AWS:pass\n").decode()
    assert file.read_text() == f'{{\n  "auths": {{\n    "{ECR_HOST}": "{pair}"\n  }}\n}}'


def test_login_adds_to_what_is_kept_and_replaces_what_is_broken(spin_to_registry: Spin, tmp_path: Path) -> None:
    file = login(spin_to_registry, tmp_path)
    file.write_text('{"auths": {"ghcr.io": "eDp5"}}')
    login(spin_to_registry, tmp_path)
    assert set(json.loads(file.read_text())["auths"]) == {"ghcr.io", ECR_HOST}
    file.write_text("broken")
    login(spin_to_registry, tmp_path)
    assert set(json.loads(file.read_text())["auths"]) == {ECR_HOST}


def test_login_follows_xdg_config_home(spin_to_registry: Spin, tmp_path: Path) -> None:
    spin = Spin(spin_to_registry.bin_dir, spin_to_registry.home, {"XDG_CONFIG_HOME": str(tmp_path / "xdg")})
    assert spin(*LOGIN, ECR_HOST, cwd=tmp_path, stdin="b").status == 0
    assert (tmp_path / "xdg" / "fermyon" / "registry-auth.json").is_file()


def test_login_needs_a_registry_that_asks_for_credentials(
    spin_to_registry: Spin, registry: LocalRegistry, tmp_path: Path
) -> None:
    server = registry.open_url.removeprefix("http://")
    result = spin_to_registry(*LOGIN, server, cwd=tmp_path, stdin="x")
    assert (result.status, result.out, result.err) == (
        1,
        "",
        "Error: cannot log in to the registry\n\nCaused by:\n"
        f"      cannot authenticate as AWS to registry {server}: missing authentication header WWW-Authenticate\n",
    )


def test_pushes_what_a_kubelet_can_pull(spin_to_registry: Spin, registry: LocalRegistry, tmp_path: Path) -> None:
    login(spin_to_registry, tmp_path)
    big = os.urandom(5 * 1024 * 1024)
    manifest = HELLO + 'files = ["static/*"]\n'
    app = write_app(tmp_path / "app", manifest, files={"static/big": big, "static/small": b"hi"})
    result = spin_to_registry("registry", "push", f"{NAME}:v1", cwd=app)
    match = PUSHED.fullmatch(result.out)
    assert (result.status, result.err) == (0, "")
    assert match
    image = pull_image(f"{NAME}:v1", tmp_path / "store", mirrors=registry.mirrors, credentials=registry.credentials)
    assert image.manifest_digest == match[1]
    assert image.config["architecture"] == "wasm"
    assert [layer.path.read_bytes() for layer in image.layers[:2]] == [COMPONENT, big]
    locked = json.loads(image.layers[-1].path.read_bytes())
    assert [entry["path"] for entry in locked["components"][0]["files"]] == ["static/big", "static/small"]
    (details,) = registry.ecr.describe_images(repositoryName="blue/app")["imageDetails"]
    assert (details["imageTags"], details["imageDigest"]) == (["v1"], match[1])


def test_equal_apps_differ_in_their_time_only(spin_to_registry: Spin, registry: LocalRegistry, tmp_path: Path) -> None:
    login(spin_to_registry, tmp_path)
    app = write_app(tmp_path / "app")
    digests = []
    for tag in ("one", "two"):
        out = spin_to_registry("registry", "push", f"{NAME}:{tag}", cwd=app).out
        digests.append(out)
        pulled = pull_image(
            f"{NAME}:{tag}", tmp_path / "store", mirrors=registry.mirrors, credentials=registry.credentials
        )
        annotations = pulled.manifest["annotations"]
        assert re.fullmatch(
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00", annotations["org.opencontainers.image.created"]
        )
    assert digests[0] != digests[1]


@pytest.mark.parametrize("given", ["wrong", "right, and a newline"])
def test_a_wrong_password_shows_at_the_push(spin_to_registry: Spin, tmp_path: Path, given: str) -> None:
    wrong = given if given == "wrong" else f"{password()}\n"
    login(spin_to_registry, tmp_path, wrong)
    result = spin_to_registry("registry", "push", f"{NAME}:v2", cwd=write_app(tmp_path / "app"))
    assert result.status == 1
    assert result.out == ""
    assert result.err.startswith("Error: cannot push Spin application\n\nCaused by:\n      Server error: url http")
    assert "/v2/blue/app/blobs/uploads/, code: 401, message: " in result.err
    assert wrong.strip() not in result.err


def test_an_unknown_repository(spin_to_registry: Spin, tmp_path: Path) -> None:
    login(spin_to_registry, tmp_path)
    result = spin_to_registry("registry", "push", f"{ECR_HOST}/none:v1", cwd=write_app(tmp_path / "app"))
    assert result.status == 1
    assert "code: 404, message: " in result.err
    assert "The repository with name 'none' does not exist in the registry with id '123456789012'" in result.err


def test_an_immutable_tag(spin_to_registry: Spin, registry: LocalRegistry, tmp_path: Path) -> None:
    registry.ecr.create_repository(repositoryName="fixed", imageTagMutability="IMMUTABLE")
    login(spin_to_registry, tmp_path)
    app = write_app(tmp_path / "app")
    assert spin_to_registry("registry", "push", f"{ECR_HOST}/fixed:v1", cwd=app).status == 0
    result = spin_to_registry("registry", "push", f"{ECR_HOST}/fixed:v1", cwd=app)
    assert result.status == 1
    assert "code: 400" in result.err
    assert "cannot be overwritten because the repository is immutable" in result.err


def test_a_registry_without_authentication(spin_to_registry: Spin, registry: LocalRegistry, tmp_path: Path) -> None:
    host = registry.open_url.removeprefix("http://")
    app = write_app(tmp_path / "app")
    result = spin_to_registry("registry", "push", "-k", f"{host}/blue/app:bare", cwd=app)
    match = PUSHED.fullmatch(result.out)
    assert match
    stored = httpx.get(f"{registry.open_url}/v2/blue/app/manifests/bare")
    assert sha256_digest(stored.content) == match[1]
    assert stored.headers["Content-Type"] == "application/vnd.oci.image.manifest.v1+json"


def test_faults_before_the_upload_come_in_order(spin_to_registry: Spin, tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", "broken")
    result = spin_to_registry("registry", "push", "Not/A Reference", cwd=app)
    assert result.err.startswith("Error: cannot parse reference Not/A Reference\n\nCaused by:\n      invalid reference")
    result = spin_to_registry("registry", "push", f"{NAME}:v1", cwd=app)
    assert result.err.startswith('Error: Failed to read Spin app manifest from "spin.toml"\n\nCaused by:\n      TOML')
    write_app(app, f'{HELLO}allowed_outbound_hosts = ["x"]\n')
    assert spin_to_registry("registry", "push", f"{NAME}:v1", cwd=app).err.startswith(
        'Error: Failed to load Spin app from "spin.toml"\n\nCaused by:\n   0: Failed to load component `hello`\n'
        "   1: `allowed_outbound_hosts` is malformed\n   2: "
    )


def test_nodes_unpack_the_archives_that_large_apps_are_pushed_with(
    spin_to_registry: Spin, registry: LocalRegistry, tmp_path: Path
) -> None:
    contents = {f"data/{number}.txt": f"{number} ".encode() * 100 for number in range(500)}
    app = write_app(tmp_path / "app", f'{HELLO}files = ["data/*"]\n', files=contents)
    login(spin_to_registry, tmp_path)
    pushed = spin_to_registry("registry", "push", "-f", str(app / "spin.toml"), f"{NAME}:archive", cwd=tmp_path)
    assert PUSHED.fullmatch(pushed.out), pushed.err

    mirrors = tmp_path / "node-mirrors.json"
    mirrors.write_text(json.dumps({ECR_HOST: registry.open_url}))
    image = asyncio.run(ImageStore(tmp_path / "node", mirrors, None).ensure(f"{NAME}:archive", pull_always=True))
    folder = AppFolder(image.folder)
    mounted = folder.files(folder.app.components[0]).entries["data"]
    assert isinstance(mounted, Directory)
    found = {name: file.read(0, 1000) for name, file in mounted.entries.items() if isinstance(file, File)}
    assert found == {Path(name).name: content for name, content in contents.items()}
