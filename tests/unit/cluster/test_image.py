"""The image of a deploy: asked for in its registry before the cluster is touched, and run by digest."""

import pytest

from functions.cluster.resources import SPIN_APPS
from functions.contracts import settings
from tests.unit.cluster.conftest import IMAGE, Deploy, Eks, deployed, digest_of
from tests.unit.cluster.kubernetes_server import Administrator, KubernetesServer

TYPO = IMAGE.replace("a1b2c3d4", "typo")


def test_a_tag_is_run_by_digest_and_stays_visible(deploy: Deploy, kubectl: Administrator) -> None:
    answer = deploy(app_name="my-function")
    assert (answer.body["image"], answer.body["digest"]) == (IMAGE, digest_of(IMAGE))
    assert (answer.body["image_checked"], answer.body["image_unchecked_reason"]) == (True, None)
    assert kubectl.get(SPIN_APPS, "my-function")["spec"]["image"] == deployed(IMAGE)


@pytest.mark.parametrize("tag", ["", ":v1"])
def test_a_digest_is_run_as_it_is(deploy: Deploy, kubectl: Administrator, eks: Eks, tag: str) -> None:
    repository, digest = IMAGE.rpartition(":")[0], "sha256:" + "0" * 64
    assert deploy(app_name="my-function", image_ref=f"{repository}{tag}@{digest}").body["digest"] == digest
    assert kubectl.get(SPIN_APPS, "my-function")["spec"]["image"] == f"{repository}@{digest}"
    assert eks.images_asked == [digest]


@pytest.mark.parametrize("exists", [False, True])
def test_a_typo_is_refused_before_the_cluster_is_touched(
    deploy: Deploy, eks: Eks, server: KubernetesServer, exists: bool
) -> None:
    if exists:
        deploy(app_name="my-function")
    server.calls.clear()
    eks.missing.add("typo")
    answer = deploy(app_name="my-function", image_ref=TYPO)
    assert answer.status == 422
    assert TYPO in answer.detail
    assert server.calls == []


@pytest.mark.parametrize("code", ["AccessDeniedException", "ServerException"])
def test_an_image_that_cannot_be_looked_for_is_let_through(
    deploy: Deploy, kubectl: Administrator, eks: Eks, code: str
) -> None:
    eks.ecr_fails = code
    answer = deploy(app_name="my-function")
    assert answer.status == 200
    assert answer.body["image_checked"] is False
    assert code in answer.body["image_unchecked_reason"]
    assert (answer.body["image"], answer.body["digest"]) == (IMAGE, None)
    assert kubectl.get(SPIN_APPS, "my-function")["spec"]["image"] == IMAGE


def test_a_registry_that_is_not_allowed_is_not_asked(
    deploy: Deploy, eks: Eks, server: KubernetesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_ALLOW_LIST", r'["ghcr\\.io/.+"]')
    settings.reset()
    assert deploy(app_name="my-function").status == 403
    assert eks.images_asked == []
    assert server.calls == []


@pytest.fixture
def images_expire(monkeypatch: pytest.MonkeyPatch) -> str:
    """The stack's own repository, which removes images that are not marked."""
    repository = IMAGE.rpartition(":")[0]
    monkeypatch.setenv("EXPIRING_REPOSITORY", repository)
    settings.reset()
    return repository


def test_a_deployed_image_is_marked_so_that_it_does_not_expire(deploy: Deploy, images_expire: str, eks: Eks) -> None:
    assert deploy(app_name="my-function").status == 200
    digest = digest_of(IMAGE)
    assert eks.kept == {f"deployed-{digest.removeprefix('sha256:')[:32]}": digest}
    assert deploy(app_name="my-function").status == 200, "once more is harmless"


def test_another_host_of_the_same_registry_marks_it_too(deploy: Deploy, images_expire: str, eks: Eks) -> None:
    reference = IMAGE.replace(".dkr.ecr.ap-northeast-2.amazonaws.com", ".dkr-ecr.ap-northeast-2.on.aws")
    assert deploy(app_name="my-function", image_ref=reference).status == 200
    assert list(eks.kept.values()) == [digest_of(IMAGE)]


def test_a_rollback_marks_what_it_goes_back_to(deploy: Deploy, call: Deploy, images_expire: str, eks: Eks) -> None:
    deploy(app_name="my-function")
    deploy(app_name="my-function", image_ref=f"{images_expire}:v2")
    eks.kept.clear()
    assert call("POST", "/my-function/rollback", {}).status == 200
    assert list(eks.kept.values()) == [digest_of(IMAGE)]


def test_images_of_other_repositories_are_nobodys_to_mark(deploy: Deploy, eks: Eks) -> None:
    assert deploy(app_name="my-function").status == 200
    assert eks.kept == {}


@pytest.mark.parametrize("asked", [True, False])
def test_an_image_that_cannot_be_marked_is_not_deployed(
    deploy: Deploy, images_expire: str, eks: Eks, server: KubernetesServer, asked: bool
) -> None:
    """It would be removed under the running app."""
    eks.ecr_fails, eks.keep_fails = ("", "AccessDeniedException") if asked else ("AccessDeniedException", "")
    server.calls.clear()
    answer = deploy(app_name="my-function")
    assert answer.status == 503
    assert "could not be told to keep image" in answer.detail
    assert server.calls == []
