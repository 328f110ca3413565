"""The client against registries that ministack is not: token servers, redirects, and ones that lie."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from local.oci.credentials import Credentials
from local.oci.errors import CorruptContentError, RefusedError, UnauthorizedError
from local.oci.pull import pull_image
from local.oci.reference import parse_reference, sha256_digest
from local.oci.registry import RepositoryClient
from tests.support.background import serve

LAYER, CONFIG = b"layer" * 1000, b"{}"
USER = Credentials("me", "secret")


def manifest(layer_digest: str = sha256_digest(LAYER), size: int = len(LAYER)) -> bytes:
    config = {"mediaType": "c", "digest": sha256_digest(CONFIG), "size": len(CONFIG)}
    layer = {"mediaType": "l", "digest": layer_digest, "size": size}
    return json.dumps({"schemaVersion": 2, "config": config, "layers": [layer]}).encode()


class Storage:
    """Where the registry's blobs are: another origin, which must never see the registry's credentials."""

    def __init__(self) -> None:
        self.authorizations: list[str | None] = []
        self.app = Starlette(routes=[Route("/{digest}", self.get)])

    async def get(self, request: Request) -> Response:
        self.authorizations.append(request.headers.get("authorization"))
        return Response(LAYER if request.path_params["digest"] == sha256_digest(LAYER) else CONFIG)


class TokenRegistry:
    """Asks for a Bearer token, as Docker Hub does, and keeps blobs elsewhere."""

    def __init__(self, storage_url: str) -> None:
        self.storage_url = storage_url
        self.scopes: list[str] = []
        self.app = Starlette(
            routes=[
                Route("/token", self.token),
                Route("/v2/", self.registry),
                Route("/v2/{path:path}", self.registry, methods=["GET", "POST", "PUT", "PATCH"]),
            ]
        )

    async def token(self, request: Request) -> Response:
        self.scopes.append(request.query_params["scope"])
        if request.headers.get("authorization") != USER.basic():
            return JSONResponse({"details": "incorrect username or password"}, 401)
        return JSONResponse({"access_token": "granted"})

    async def registry(self, request: Request) -> Response:
        if request.headers.get("authorization") != "Bearer granted":
            challenge = f'Bearer realm="{request.base_url}token?kept=1",service="test registry"'
            return JSONResponse(
                {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]},
                401,
                {"WWW-Authenticate": challenge},
            )
        path = request.path_params.get("path", "")
        if "/blobs/sha256" in path:
            return RedirectResponse(f"{self.storage_url}/{path.rpartition('/')[2]}")
        if path.endswith("/uploads/"):  # opens no upload
            return Response(status_code=202)
        return Response(manifest(), media_type="application/vnd.oci.image.manifest.v1+json")


@pytest.fixture
def storage() -> Iterator[tuple[Storage, str]]:
    storage = Storage()
    with serve(storage.app) as url:
        yield storage, url


@pytest.fixture
def token_registry(storage: tuple[Storage, str]) -> Iterator[tuple[TokenRegistry, str]]:
    registry = TokenRegistry(storage[1])
    with serve(registry.app) as url:
        yield registry, url.removeprefix("http://")


def test_fetches_one_token_and_follows_redirects_without_it(
    token_registry: tuple[TokenRegistry, str], storage: tuple[Storage, str], tmp_path: Path
) -> None:
    registry, host = token_registry
    image = pull_image(f"{host}/me/app:v1", tmp_path, credentials=USER)
    assert image.layers[0].path.read_bytes() == LAYER
    assert registry.scopes == ["repository:me/app:pull"]
    assert storage[0].authorizations == [None, None]


def test_a_refused_token_request_leaves_the_registrys_own_words(
    token_registry: tuple[TokenRegistry, str], tmp_path: Path
) -> None:
    with pytest.raises(UnauthorizedError, match="authentication required"):
        pull_image(f"{token_registry[1]}/me/app:v1", tmp_path, credentials=Credentials("me", "wrong"))


def test_asks_for_the_right_to_push_and_reports_an_upload_that_does_not_open(
    token_registry: tuple[TokenRegistry, str],
) -> None:
    registry, host = token_registry
    reference = parse_reference(f"{host}/me/app:v1")
    with (
        RepositoryClient(reference, credentials=USER, push=True) as client,
        pytest.raises(RefusedError, match="upload"),
    ):
        client.push_blob(sha256_digest(b"x"), b"x")
    assert registry.scopes == ["repository:me/app:pull,push"]


@pytest.mark.parametrize(
    ("document", "blob", "fault"),
    [
        (manifest(), LAYER[:-1] + b"!", "came as sha256"),
        (manifest(), LAYER + b"!", "should have 5000 bytes"),
        (manifest(), LAYER[:-1], "should have 5000 bytes"),
        (manifest("sha256:../../../etc/passwd"), LAYER, "bad digest"),
        (manifest("md5:abc"), LAYER, "bad digest"),
        (manifest(size=-1), LAYER, "bad digest or size"),
        (b'{"layers":[]}', LAYER, "'config' is missing"),
        (b"[]", LAYER, "not a JSON object"),
        (b"<html>", LAYER, "not JSON"),
        (b"x" * (4 * 1024 * 1024 + 1), LAYER, "exceeds 4 MiB"),
    ],
)
def test_keeps_nothing_of_a_registry_that_lies(document: bytes, blob: bytes, fault: str, tmp_path: Path) -> None:
    async def answer(request: Request) -> Response:
        if "/manifests/" in request.url.path:
            return Response(document)
        return Response(CONFIG if request.url.path.endswith(sha256_digest(CONFIG)) else blob)

    app = Starlette(routes=[Route("/{path:path}", answer)])
    with serve(app) as url, pytest.raises(CorruptContentError, match=fault):
        pull_image(f"{url.removeprefix('http://')}/a:b", tmp_path)
    kept = {path.name for path in (tmp_path / "blobs" / "sha256").glob("*")}
    assert kept <= {sha256_digest(content).removeprefix("sha256:") for content in (document, CONFIG)}


def test_a_manifest_must_have_the_digest_that_was_asked_for(tmp_path: Path) -> None:
    async def answer(_: Request) -> Response:
        return Response(manifest())

    with serve(Starlette(routes=[Route("/{path:path}", answer)])) as url:
        host = url.removeprefix("http://")
        with pytest.raises(CorruptContentError, match="should be sha256:"):
            pull_image(f"{host}/a@{sha256_digest(b'other')}", tmp_path)
