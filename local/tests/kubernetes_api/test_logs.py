"""The log of a pod."""

import httpx
import pytest

from local.kubernetes.api import ServerThread, create_app
from local.tests.kubernetes_api.conftest import Http


@pytest.mark.stand_in_only("no kubelet answers where the API server looks for one")
def test_logs_come_from_the_hook(http: Http, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    http.ok("POST", path, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
    response = http("GET", f"{path}/p/log", tailLines="5")
    assert (response.text, response.headers["content-type"].split(";")[0]) == ("p 5\n", "text/plain")
    http.refused(400, "GET", f"{path}/p/log", tailLines="-5")
    http.refused(404, "GET", f"{path}/none/log")


def test_without_a_kubelet_there_are_no_logs() -> None:
    app = create_app()
    pods = app.state.objects.registry.by_key(("", "pods"))
    app.state.objects.create(
        pods, "default", {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    )
    with ServerThread(app) as server:
        response = httpx.get(f"{server.url}/api/v1/namespaces/default/pods/p/log", trust_env=False)
    assert response.status_code == 400
    assert "without a kubelet" in response.json()["message"]
