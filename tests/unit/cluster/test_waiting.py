"""Requests about apps that wait: each takes a place, and without one nothing is changed."""

import pytest

from functions.cluster.resources import SPIN_APPS
from functions.tasks.waiting import RETRY_SECONDS
from tests.unit.cluster.conftest import IMAGE, Deploy, Eks
from tests.unit.cluster.kubernetes_server import Administrator
from tests.unit.cluster.test_built import STATE_INPUT, row, run

NAME = "my-function"
OTHER_IMAGE = IMAGE.replace("a1b2c3d4", "v2")


@pytest.fixture
def app(deploy: Deploy) -> None:
    """An app with two revisions."""
    for image in (IMAGE, OTHER_IMAGE):
        assert deploy(app_name=NAME, image_ref=image, workspace_id="team").status == 200


@pytest.mark.usefixtures("app")
def test_each_that_waits_takes_its_place_and_gives_it_back(eks: Eks, deploy: Deploy, call: Deploy) -> None:
    assert eks.waited == []
    assert deploy(app_name=NAME, workspace_id="team", wait=True, seconds=2).status == 200
    assert call("POST", f"/{NAME}/rollback", {"wait": True}, seconds=2).status == 200
    assert call("GET", f"/{NAME}/logs?wait=0").status in (200, 404)
    assert eks.waited == ["of:team", "of:"]
    assert eks.waiting == 0


@pytest.mark.usefixtures("app")
def test_without_a_place_nothing_is_changed(eks: Eks, deploy: Deploy, call: Deploy, kubectl: Administrator) -> None:
    before = kubectl.get(SPIN_APPS, NAME)
    eks.full = True
    for answer in (
        deploy(app_name=NAME, wait=True),
        deploy(app_name="another", wait=True),
        call("POST", f"/{NAME}/rollback", {"wait": True}),
    ):
        assert answer.status == 429
        assert answer.headers["Retry-After"] == str(RETRY_SECONDS)
        assert "without `wait`" in answer.detail
    assert kubectl.get(SPIN_APPS, NAME) == before
    assert deploy(app_name=NAME).status == 200, "who does not wait is served"


@pytest.mark.usefixtures("app")
def test_a_log_that_is_waited_for(eks: Eks, call: Deploy) -> None:
    eks.full = True
    assert call("GET", f"/{NAME}/logs", queryStringParameters={"wait": "5"}).status == 429
    eks.full = False
    assert call("GET", f"/{NAME}/logs", queryStringParameters={"wait": "1"}).status == 200
    assert len(eks.waited) == 1


def test_a_build_is_deployed_without_the_wait_it_asked_for(eks: Eks, kubectl: Administrator) -> None:
    eks.row = row(kubectl.namespace, app_name=NAME, wait=True)
    eks.full = True
    answer = run()
    assert (answer["app_name"], answer["rollout"]) == (NAME, None)
    assert eks.waited == []
    assert kubectl.get(SPIN_APPS, NAME)["metadata"]["labels"]["blue-faas/workspace"] == STATE_INPUT["workspace_id"]
