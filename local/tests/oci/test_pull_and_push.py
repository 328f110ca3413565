"""The client against the real ministack behind the gate."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.oci.credentials import Credentials
from local.oci.errors import CorruptContentError, NotFoundError, RefusedError, UnauthorizedError, UnreachableError
from local.oci.mirrors import Mirrors
from local.oci.pull import PulledImage, pull_image
from local.oci.reference import parse_reference, sha256_digest
from local.oci.registry import CHUNK_SIZE, RepositoryClient
from local.tests.oci.servers import ECR_HOST, LocalRegistry

NAME = f"{ECR_HOST}/blue/app"
LAYER = os.urandom(CHUNK_SIZE * 2 + 7)
CONFIG = b'{"architecture":"wasm"}'


def descriptor(content: bytes) -> dict[str, object]:
    return {"mediaType": "application/x-test", "digest": sha256_digest(content), "size": len(content)}


def manifest_of(*layers: bytes) -> bytes:
    document = {"schemaVersion": 2, "config": descriptor(CONFIG), "layers": [descriptor(layer) for layer in layers]}
    return json.dumps(document).encode()


def client_of(registry: LocalRegistry, name: str = NAME) -> RepositoryClient:
    return RepositoryClient(
        parse_reference(f"{name}:v1"), mirrors=registry.mirrors, credentials=registry.credentials, push=True
    )


@pytest.fixture(scope="module")
def pushed(registry: LocalRegistry) -> str:
    """Digest of an image tagged v1 with a layer in three chunks, one of exactly one chunk, and an empty one."""
    registry.ecr.create_repository(repositoryName="blue/app")
    layers = [LAYER, LAYER[:CHUNK_SIZE], b""]
    with client_of(registry) as client:
        for content in (*layers[:2], CONFIG):
            client.push_blob(sha256_digest(content), content)
        client.push_blob_at_once(sha256_digest(b"x"), b"x")
        manifest = manifest_of(LAYER, LAYER[:CHUNK_SIZE])
        location = client.put_manifest("v1", manifest)
    assert location is not None
    assert location.endswith(sha256_digest(manifest))
    return sha256_digest(manifest)


def pull(registry: LocalRegistry, store: Path, reference: str = f"{NAME}:v1") -> PulledImage:
    return pull_image(reference, store, mirrors=registry.mirrors, credentials=registry.credentials)


def test_pulls_by_tag_what_was_pushed(registry: LocalRegistry, pushed: str, tmp_path: Path) -> None:
    image = pull(registry, tmp_path)
    assert image.manifest_digest == pushed
    assert image.config == {"architecture": "wasm"}
    assert [layer.path.read_bytes() for layer in image.layers] == [LAYER, LAYER[:CHUNK_SIZE]]
    assert image.layers[0].path == tmp_path / "blobs" / "sha256" / sha256_digest(LAYER).removeprefix("sha256:")
    assert len(list((tmp_path / "blobs" / "sha256").iterdir())) == 4, "manifest, config and layers, nothing half-done"


def test_pulls_by_digest(registry: LocalRegistry, pushed: str, tmp_path: Path) -> None:
    assert pull(registry, tmp_path, f"{NAME}@{pushed}").manifest_digest == pushed
    with pytest.raises(NotFoundError, match="Requested image not found"):
        pull(registry, tmp_path, f"{NAME}@{sha256_digest(b'other')}")


def test_a_pulled_digest_needs_no_registry_again(registry: LocalRegistry, pushed: str, tmp_path: Path) -> None:
    first = pull(registry, tmp_path)
    nowhere = Mirrors({ECR_HOST: "http://127.0.0.1:9"})
    again = pull_image(f"{NAME}@{pushed}", tmp_path, mirrors=nowhere)
    assert again.layers == first.layers


def test_pulls_of_one_image_into_one_store_at_once_all_succeed(
    registry: LocalRegistry, pushed: str, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(4) as pool:
        images = list(pool.map(lambda _: pull(registry, tmp_path), range(4)))
    assert {image.manifest_digest for image in images} == {pushed}
    assert images[0].layers[0].path.read_bytes() == LAYER
    assert len(list((tmp_path / "blobs" / "sha256").iterdir())) == 4


@pytest.mark.usefixtures("pushed")
class TestRefusals:
    @pytest.mark.parametrize("credentials", [None, Credentials("AWS", "wrong")])
    def test_without_good_credentials(
        self, registry: LocalRegistry, tmp_path: Path, credentials: Credentials | None
    ) -> None:
        with pytest.raises(UnauthorizedError, match="Not Authorized") as caught:
            pull_image(f"{NAME}:v1", tmp_path, mirrors=registry.mirrors, credentials=credentials)
        assert caught.value.status == 401
        assert "wrong" not in str(caught.value)

    def test_an_unknown_repository(self, registry: LocalRegistry, tmp_path: Path) -> None:
        with pytest.raises(NotFoundError, match="The repository with name 'none' does not exist"):
            pull(registry, tmp_path, f"{ECR_HOST}/none:v1")
        with client_of(registry, f"{ECR_HOST}/none") as client, pytest.raises(NotFoundError) as caught:
            client.push_blob(sha256_digest(b"x"), b"x")
        assert "NAME_UNKNOWN" in caught.value.body

    def test_an_unknown_tag(self, registry: LocalRegistry, tmp_path: Path) -> None:
        with pytest.raises(NotFoundError, match="Requested image not found"):
            pull(registry, tmp_path, f"{NAME}:nope")

    @pytest.mark.parametrize("method", ["push_blob", "push_blob_at_once"])
    def test_a_blob_under_a_wrong_digest(self, registry: LocalRegistry, method: str) -> None:
        with client_of(registry) as client, pytest.raises(RefusedError) as caught:
            getattr(client, method)(sha256_digest(b"other"), b"this")
        assert "DIGEST_INVALID" in caught.value.body

    def test_a_layer_that_is_not_there(self, registry: LocalRegistry, tmp_path: Path) -> None:
        with client_of(registry) as client:
            client.put_manifest("broken", manifest_of(b"never pushed"))
        with pytest.raises(NotFoundError):
            pull(registry, tmp_path, f"{NAME}:broken")

    def test_an_index(self, registry: LocalRegistry, tmp_path: Path) -> None:
        with client_of(registry) as client:
            client.put_manifest("index", b'{"schemaVersion":2,"manifests":[]}')
        with pytest.raises(CorruptContentError, match="index"):
            pull(registry, tmp_path, f"{NAME}:index")

    def test_a_moved_immutable_tag(self, registry: LocalRegistry) -> None:
        registry.ecr.create_repository(repositoryName="moved", imageTagMutability="IMMUTABLE")
        with client_of(registry, f"{ECR_HOST}/moved") as client:
            client.put_manifest("v1", manifest_of())
            with pytest.raises(RefusedError, match="already exists in the 'moved' repository"):
                client.put_manifest("v1", manifest_of(LAYER))

    def test_nobody_listening(self, tmp_path: Path) -> None:
        with pytest.raises(UnreachableError, match="cannot reach the registry"):
            pull_image("127.0.0.1:9/a:b", tmp_path)
