"""Images of the stack's own repository are deployed with a valid signature by the stack's key, and not otherwise."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from functions.cluster import images
from functions.cluster.resources import SPIN_APPS
from functions.contracts import settings
from functions.signing import formats
from tests.unit.cluster.conftest import IMAGE, SETTINGS, Deploy, Eks, deployed, digest_of, signature_of
from tests.unit.cluster.kubernetes_server import Administrator, KubernetesServer

OWN = SETTINGS["DEFAULT_IMAGE_REPOSITORY"]
BUILT = f"{OWN}:7d0c3f9a51e2b846-team-a"
DIGEST = digest_of(BUILT)
OTHER_DIGEST = "sha256:" + "0" * 64


@pytest.fixture(autouse=True)
def _do_not_wait(eks: Eks, monkeypatch: pytest.MonkeyPatch) -> None:
    eks.signs_all = False
    monkeypatch.setattr(images, "_SIGNING_SECONDS", 0.01)


def manifest(eks: Eks, *, repository: str = OWN, digest: str = DIGEST, key: Any = None) -> dict[str, Any]:
    """The manifest of a signature by ``key``, by default the stack's."""
    made: dict[str, Any] = json.loads(signature_of(key or eks.signing_key, repository, digest))
    return made


def put(eks: Eks, content: Any, digest: str = DIGEST) -> None:
    """Put a manifest where the signature of an image is looked for."""
    eks.signatures[formats.signature_tag(digest)] = content if isinstance(content, str) else json.dumps(content)


def test_a_signed_image_is_deployed(deploy: Deploy, kubectl: Administrator, eks: Eks) -> None:
    put(eks, manifest(eks))
    assert deploy(app_name="my-function", image_ref=BUILT).status == 200
    assert kubectl.get(SPIN_APPS, "my-function")["spec"]["image"] == deployed(BUILT)


def test_another_spelling_of_the_repository_has_the_same_signature(deploy: Deploy, eks: Eks) -> None:
    put(eks, manifest(eks))
    reference = BUILT.replace(".dkr.ecr.ap-northeast-2.amazonaws.com", ".dkr-ecr.ap-northeast-2.on.aws")
    assert deploy(app_name="my-function", image_ref=reference).status == 200


def test_an_unsigned_image_is_refused_before_the_cluster_is_touched(
    deploy: Deploy, eks: Eks, server: KubernetesServer
) -> None:
    server.calls.clear()
    answer = deploy(app_name="my-function", image_ref=BUILT)
    assert answer.status == 403
    assert answer.detail.startswith(f"Image '{BUILT}' ({DIGEST}) has no valid signature of this installation")
    assert "send the image's source again with a `deploy` block" in answer.detail
    assert server.calls == []


def _tampered(eks: Eks) -> Any:
    made = manifest(eks)
    annotations = made["layers"][0]["annotations"]
    signed = bytearray(base64.b64decode(annotations[formats.SIGNATURE_ANNOTATION]))
    signed[-1] ^= 1
    annotations[formats.SIGNATURE_ANNOTATION] = base64.b64encode(signed).decode()
    return made


def _of_another_digest(eks: Eks) -> Any:
    return manifest(eks, digest=OTHER_DIGEST)


def _of_another_digest_relabelled(eks: Eks) -> Any:
    made = manifest(eks, digest=OTHER_DIGEST)
    made["layers"][0]["digest"] = formats.digest_of(formats.signature_payload(OWN, DIGEST))
    return made


def _by_another_key(eks: Eks) -> Any:
    return manifest(eks, key=ec.generate_private_key(ec.SECP256R1()))


def _of_another_repository(eks: Eks) -> Any:
    return manifest(eks, repository=f"{OWN}-of-somebody-else")


def _too_many(eks: Eks) -> Any:
    """The right one after more than are looked at."""
    made, wrong = manifest(eks), _tampered(eks)
    return {**made, "layers": [*wrong["layers"] * 8, *made["layers"]]}


def _annotated(value: object) -> Callable[[Eks], Any]:
    """Something else where the signature has its place."""

    def make(eks: Eks) -> Any:
        (layer,) = manifest(eks)["layers"]
        return {"layers": [{**layer, "annotations": {formats.SIGNATURE_ANNOTATION: value}}]}

    return make


REFUSED: list[Callable[[Eks], Any]] = [
    _tampered,
    _of_another_digest,
    _of_another_digest_relabelled,
    _by_another_key,
    _of_another_repository,
    _too_many,
    lambda _: "",
    lambda _: "[]",
    lambda _: "[" * 30_000,
    lambda _: {"layers": None},
    lambda _: {"layers": [None, 1, "layer", [], {}]},
    lambda eks: {**manifest(eks), "padding": "x" * 70_000},
    *map(_annotated, (None, 1, "", "=", "é", "AAAA", [])),
    lambda eks: {"layers": [{**manifest(eks)["layers"][0], "annotations": None}]},
    lambda eks: {"layers": [{**manifest(eks)["layers"][0], "mediaType": "application/octet-stream"}]},
]


@pytest.mark.parametrize("content", REFUSED)
def test_what_is_no_signature_of_this_image_by_this_key_is_refused(
    deploy: Deploy, eks: Eks, server: KubernetesServer, content: Callable[[Eks], Any]
) -> None:
    put(eks, content(eks))
    server.calls.clear()
    assert deploy(app_name="my-function", image_ref=BUILT).status == 403
    assert server.calls == []


def test_one_valid_signature_among_others_is_enough(deploy: Deploy, eks: Eks) -> None:
    """`cosign sign` adds its signature to those that are there."""
    made = manifest(eks)
    put(eks, {**made, "layers": [*_by_another_key(eks)["layers"], *made["layers"]]})
    assert deploy(app_name="my-function", image_ref=BUILT).status == 200


def test_a_signature_that_comes_a_moment_later_is_waited_for(
    deploy: Deploy, eks: Eks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task is done before its image is signed."""
    monkeypatch.setattr(images, "_SIGNING_SECONDS", 5.0)
    eks.signed_after = 3
    put(eks, manifest(eks))
    assert deploy(app_name="my-function", image_ref=BUILT).status == 200
    assert eks.signed_after == 0


def test_other_repositories_need_no_signature(deploy: Deploy, eks: Eks) -> None:
    assert deploy(app_name="my-function", image_ref=IMAGE).status == 200
    assert eks.verified == 0


def test_without_the_setting_nothing_is_asked(deploy: Deploy, eks: Eks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_REQUIRE_SIGNATURE", "false")
    settings.reset()
    put(eks, _tampered(eks))
    assert deploy(app_name="my-function", image_ref=BUILT).status == 200
    assert eks.verified == 0


@pytest.mark.parametrize("fails", ["ecr_fails", "keep_fails", "kms_fails"])
def test_what_cannot_be_checked_is_not_deployed(deploy: Deploy, eks: Eks, server: KubernetesServer, fails: str) -> None:
    """An image of another registry that cannot be looked at is let through; the stack's own is not."""
    put(eks, manifest(eks))
    setattr(eks, fails, "AccessDeniedException")
    server.calls.clear()
    answer = deploy(app_name="my-function", image_ref=BUILT)
    assert answer.status == 503
    assert "is signed could not be checked" in answer.detail
    assert server.calls == []


def test_a_rollback_is_held_to_it_too(deploy: Deploy, call: Deploy, eks: Eks) -> None:
    later = f"{OWN}:7d0c3f9a51e2b847-team-a"
    put(eks, manifest(eks))
    put(eks, manifest(eks, digest=digest_of(later)), digest_of(later))
    deploy(app_name="my-function", image_ref=BUILT)
    deploy(app_name="my-function", image_ref=later)
    del eks.signatures[formats.signature_tag(DIGEST)]
    answer = call("POST", "/my-function/rollback", {})
    assert answer.status == 403
    assert DIGEST in answer.detail
    put(eks, manifest(eks))
    assert call("POST", "/my-function/rollback", {}).status == 200
