"""A cloud that has no cluster (``make local CLUSTER=no``): it builds, and says of itself that it does not deploy."""

from collections.abc import Iterator

import pytest

from local.cloud.options import CloudOptions
from local.cloud.supervisor import Cloud
from local.cloud.welcome import welcome
from tests.support import components
from tests.support.client import EXAMPLES, Client


@pytest.fixture(scope="module")
def builds_only() -> Iterator[Client]:
    with Cloud(CloudOptions(port=0, cluster=False, compile_cache=components.COMPILED)) as cloud:
        yield Client(cloud)


def test_a_source_becomes_an_image(builds_only: Client) -> None:
    task_id = builds_only.start("app.py", (EXAMPLES / "hello" / "app.py").read_bytes(), app_name="my-function")
    assert "/bluefaas-storageimages" in builds_only.image(task_id)


def test_nothing_is_offered_that_needs_a_cluster(builds_only: Client) -> None:
    described = builds_only.http.get("/openapi.json").json()["paths"]
    assert "/api/v1/build-and-push" in described
    assert [path for path in described if "/apps" in path or path.endswith("/deploy")] == []
    assert builds_only.http.post("/api/v1/deploy", json={"namespace": "default"}).status_code == 404
    refused = builds_only.upload("app.py", b"x = 1\n", deploy='{"namespace": "default"}')
    assert (refused.status_code, "no cluster" in refused.json()["detail"]) == (422, True)
    assert "/api/v1/deploy" not in welcome(builds_only.cloud)
