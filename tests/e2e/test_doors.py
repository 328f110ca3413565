"""The one-machine cloud's own doors: what a page in a browser, or a deployed function, can get at on this machine."""

import http.client
import json
import subprocess
from urllib.parse import urlsplit

import httpx
import pytest

from local.kubernetes.kubeconfig import access_from_kubeconfig
from tests.support.client import Client

PAGE = {"origin": "https://evil.example"}
SIMPLE = "application/x-www-form-urlencoded"
"""A page sends it without asking first (https://fetch.spec.whatwg.org/#cors-safelisted-request-header)."""


@pytest.mark.parametrize(
    "headers",
    [
        PAGE,
        {"origin": "null"},
        {"origin": "http://localhost:3000"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"host": "evil.example:8000"},
        {"host": "evil.example", "origin": "http://evil.example", "sec-fetch-site": "same-origin"},
    ],
    ids=str,
)
def test_no_page_of_a_browser_builds_or_deploys(cloud: Client, headers: dict[str, str]) -> None:
    deploy = json.dumps({"namespace": "default", "image_ref": "x", "app_name": "from-a-page"})
    simple = {**headers, "content-type": SIMPLE}
    assert cloud.http.post("/api/v1/deploy", content=deploy, headers=simple).status_code == 403
    form = {"workspace_id": "from-a-page"}
    answer = cloud.http.post("/api/v1/build-and-push", files={"file": ("a.py", b"")}, data=form, headers=headers)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert cloud.http.get("/v2/", headers=headers).status_code == 403
    assert not cloud.http.get("/api/v1/workspaces/from-a-page/tasks").json()["tasks"]


@pytest.mark.parametrize("blank", [" ", "\t", " \t "])
@pytest.mark.parametrize("host", ["127.0.0.1", "nobody.default.svc.cluster.local"])
def test_blanks_around_a_value_are_no_part_of_it(cloud: Client, blank: str, host: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", cloud.cloud.port, timeout=60)
    connection.request("GET", "/health", headers={"host": host, "x-name": f"{blank}abc{blank}"})
    answer = connection.getresponse()
    assert answer.status == (200 if host == "127.0.0.1" else 404), answer.read()
    connection.close()


def test_its_own_page_and_the_documented_update_command(cloud: Client) -> None:
    own = {"origin": cloud.url, "sec-fetch-site": "same-origin"}
    assert cloud.http.get("/docs", headers=own).status_code == 200
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert cloud.http.get("/docs", headers=link).status_code == 200
    body = json.dumps({"app_name": "my-function", "image_ref": "typo", "namespace": "default"})
    command = ["curl", "-s", "-X", "POST", f"{cloud.url}/api/v1/deploy", "-d", body]
    answer = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert "image_ref" in json.dumps(answer), "refused for what it says, not for its type"


@pytest.mark.parametrize(
    "path", ["/_local/ecr-login-password", "/../../../../", "/../../../../_ministack/health", "//_ministack/state"]
)
def test_the_front_reaches_the_api_and_nothing_behind_it(cloud: Client, path: str) -> None:
    command = ["curl", "-s", "--path-as-is", "-o", "/dev/null", "-w", "%{http_code}", cloud.url + path]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "404"


@pytest.fixture(scope="module")
def nosy(cloud: Client, counter: str) -> str:
    """A deployed function that calls whatever it is told to, as far as it may."""
    answer = cloud.deploy(app_name="nosy", namespace="default", image_ref=counter)
    assert answer.status_code == 200, answer.text
    return "nosy"


def _port(url: str) -> int:
    return urlsplit(url).port or 0


def fetched(cloud: Client, app: str, url: str) -> httpx.Response:
    return cloud.call(app, "/fetch", params={"url": url})


def test_an_answer_has_one_date(cloud: Client, nosy: str) -> None:
    for answer in (cloud.http.get("/health"), cloud.http.get("/v2/"), cloud.call(nosy, "/")):
        assert len(answer.headers.get_list("date")) == 1, answer.request.url


def test_a_function_reaches_nothing_of_this_machine(cloud: Client, nosy: str, opened_port: int) -> None:
    api_server = access_from_kubeconfig(cloud.cloud.kubeconfig).url
    urls = [cloud.cloud.aws_endpoint, cloud.url, api_server, f"http://localhost:{opened_port}"]
    urls += [f"http://{name}:{_port(cloud.url)}" for name in ("localhost", "0.0.0.0", "[::ffff:127.0.0.1]")]
    for url in urls:
        answer = fetched(cloud, nosy, f"{url}/")
        assert (answer.status_code, answer.json()["error"]) == (422, "ErrorCode_ConnectionRefused"), url


def test_it_reaches_the_port_that_it_names_and_the_user_opened(cloud: Client, nosy: str, opened_port: int) -> None:
    assert fetched(cloud, nosy, f"http://127.0.0.1:{opened_port}/").headers["x-status"] == "203"
