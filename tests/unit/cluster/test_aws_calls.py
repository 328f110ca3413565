"""What each request of the deploy function asks of AWS, call by call. `test_calls` has those of the API server."""

import pytest

from tests.support.aws_calls import noted_calls
from tests.unit.cluster.conftest import IMAGE, SETTINGS, Deploy

NAME = "my-function"
V2 = IMAGE.replace("a1b2c3d4", "v2")
OWN = f"{SETTINGS['DEFAULT_IMAGE_REPOSITORY']}:own"


@pytest.fixture
def calls(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    deploy(app_name="warm")  # the cluster's address is asked for once
    return noted_calls(monkeypatch)


def test_of_an_image_is_asked_once(deploy: Deploy, call: Deploy, calls: list[str]) -> None:
    for image in (IMAGE, IMAGE, V2):
        calls.clear()
        deploy(app_name=NAME, image_ref=image)
        assert calls == ["ecr:DescribeImages"]
    calls.clear()
    call("POST", f"/{NAME}/rollback", {})
    assert calls == ["ecr:DescribeImages"]


def test_an_image_of_the_own_repository_is_signed(deploy: Deploy, calls: list[str]) -> None:
    deploy(app_name=NAME, image_ref=OWN)
    assert calls == ["ecr:DescribeImages", "ecr:BatchGetImage", "kms:Verify"]


def test_nothing_is_asked_for_looking(deploy: Deploy, call: Deploy, calls: list[str]) -> None:
    deploy(app_name=NAME)
    calls.clear()
    call("GET")
    call("GET", f"/{NAME}")
    call("GET", f"/{NAME}/revisions")
    call("DELETE", f"/{NAME}")
    assert calls == []
