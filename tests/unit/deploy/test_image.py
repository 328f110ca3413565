"""The image of a deploy: asked for in its registry before the cluster is touched, and run by digest."""

import pytest

from functions.cluster.resources import SPIN_APPS
from functions.cluster.settings import DeploySettings
from tests.unit.deploy.conftest import IMAGE, Deploy, Eks, deployed, digest_of
from tests.unit.deploy.kubernetes_server import Administrator, KubernetesServer

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
    DeploySettings.read.cache_clear()
    assert deploy(app_name="my-function").status == 403
    assert eks.images_asked == []
    assert server.calls == []
