"""An app that answers from outside: under a host of its own, as long as its deploys say so."""

import httpx

from tests.support.client import Client


def get(cloud: Client, host: str) -> httpx.Response:
    return cloud.http.get("/", headers={"host": host})


def test_deploy_call_by_host_update_and_remove(cloud: Client, hello: str) -> None:
    deployed = cloud.deploy(
        app_name="outside", namespace="default", image_ref=hello, wait=True, expose={"host": "outside.localhost"}
    )
    assert (deployed.status_code, deployed.json()["url"]) == (200, "http://outside.localhost/"), deployed.text
    cloud.until(lambda: get(cloud, "outside.localhost").text == "Hello from Blue FaaS!")
    assert get(cloud, f"outside.localhost:{cloud.cloud.port}").status_code == 200
    assert cloud.http.get("/api/v1/apps/default/outside").json()["url"] == "http://outside.localhost/"

    taken = cloud.deploy(app_name="second", namespace="default", image_ref=hello, expose={"host": "outside.localhost"})
    assert taken.status_code == 409
    assert cloud.http.get("/api/v1/apps/default/second").status_code == 404
    elsewhere = cloud.deploy(app_name="outside", namespace="default", image_ref=hello, expose={"host": "a.example"})
    assert (elsewhere.status_code, elsewhere.json()["detail"]) == (
        422,
        "expose.host 'a.example' is not below localhost",
    )

    moved = cloud.deploy(app_name="outside", namespace="default", image_ref=hello, expose={"host": "moved.localhost"})
    assert moved.json()["url"] == "http://moved.localhost/"
    cloud.until(lambda: get(cloud, "moved.localhost").text == "Hello from Blue FaaS!")
    cloud.until(lambda: get(cloud, "outside.localhost").status_code == 404)

    back = cloud.http.post("/api/v1/apps/default/outside/rollback", json={"revision": 1})
    assert back.json()["url"] == "http://outside.localhost/", back.text
    cloud.until(lambda: get(cloud, "outside.localhost").status_code == 200)

    cloud.deploy(app_name="outside", namespace="default", image_ref=hello, expose={"host": None})
    cloud.until(lambda: get(cloud, "outside.localhost").status_code == 404)
    revisions = cloud.http.get("/api/v1/apps/default/outside/revisions").json()["revisions"]
    hosts = [revision["host"] for revision in revisions]
    assert hosts == [None, "outside.localhost", "moved.localhost", "outside.localhost"]


def test_its_route_goes_with_the_app(cloud: Client, hello: str) -> None:
    exposed = {"expose": {"host": "gone.localhost"}}
    assert cloud.deploy(app_name="gone", namespace="default", image_ref=hello, **exposed).status_code == 200
    cloud.until(lambda: get(cloud, "gone.localhost").status_code == 200)
    assert cloud.http.delete("/api/v1/apps/default/gone").status_code == 200
    cloud.until(lambda: get(cloud, "gone.localhost").status_code == 404)
    free = cloud.deploy(app_name="after", namespace="default", image_ref=hello, **exposed)
    assert (free.status_code, free.json()["url"]) == (200, "http://gone.localhost/"), free.text


def test_a_build_that_deploys_itself_tells_its_address(cloud: Client) -> None:
    from tests.e2e.test_apps import SOURCE, deployed_task

    block = '{"namespace": "default", "app_name": "told-outside", "expose": {"host": "told.localhost"}}'
    assert deployed_task(cloud, SOURCE, block)["deployment"]["url"] == "http://told.localhost/"
