"""What a function may ask of its host: state, settings, files, the network."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from local.tests.spin_host.pods import Pod, Pulled, Serve, wait_for


def test_variables_are_rendered_from_the_environment_and_defaults(pod: Pod) -> None:
    assert pod.get("/variable", name="greeting").text == "hello, from the SpinApp!"
    assert pod.get("/variable", name="plain").text == "text"


@pytest.mark.parametrize(
    ("name", "error"), [("secret", "Error_Undefined"), ("absent", "Error_Undefined"), ("Bad-Name", "Error_InvalidName")]
)
def test_a_component_sees_only_its_own_variables(pod: Pod, name: str, error: str) -> None:
    response = pod.get("/variable", name=name)
    assert (response.status_code, response.json()["error"]) == (422, error)


def test_the_environment_is_the_components_alone(pod: Pod) -> None:
    assert pod.get("/environment").json() == {"LEVEL": "debug"}


def test_files_are_mounted_read_only(pod: Pod) -> None:
    assert pod.get("/read", path="/greeting.txt").text == "hi there"
    assert pod.get("/read", path="data/../greeting.txt").text == "hi there"
    assert pod.get("/read", path="/empty.txt").content == b""
    large = pod.get("/read", path="/data/large.txt").content
    assert large.startswith(b"line 0\n")
    assert large.endswith(b"line 29999\n")
    assert pod.get("/list", path="/").json() == {
        "entries": ["data", "empty.txt", "greeting.txt"],
        "size": len("hi there"),
        "folder": True,
    }


@pytest.mark.parametrize("path", ["/absent.txt", "/etc/passwd", "/../../etc/passwd", "/data/large.txt/x"])
def test_nothing_else_can_be_read(pod: Pod, path: str) -> None:
    assert pod.get("/read", path=path).status_code == 422


@pytest.mark.parametrize("path", ["/greeting.txt", "/new.txt"])
def test_nothing_can_be_written(pod: Pod, path: str) -> None:
    assert pod.get("/write", path=path).status_code == 422
    assert pod.get("/read", path="/greeting.txt").text == "hi there"


def test_a_file_that_vanished_is_an_error_without_its_place(pull: Callable[[], Pulled], serve: Serve) -> None:
    pulled = pull()
    blob = pulled.blob(b"content")
    app = pulled.add("main", "/...", files=[{"path": "a.txt", "digest": blob}]).write()
    pod = serve(app)
    assert pod.get("/read", path="/a.txt").text == "content"
    (app / "blobs" / "sha256" / blob.removeprefix("sha256:")).unlink()
    response = pod.get("/read", path="/a.txt")
    assert response.status_code == 422
    assert str(app) not in response.text


def test_a_component_without_files_has_no_folder(pod: Pod) -> None:
    assert pod.get("/users/1/read", path="/greeting.txt").status_code == 422


def test_key_value_stores(pod: Pod) -> None:
    value = {"store": "default", "key": "한글"}
    assert pod.client.put("/kv", params=value, content=b"one").json() == {"value": "one", "exists": True}
    assert "한글" in pod.get("/kv").json()
    assert pod.client.delete("/kv", params=value).json() == {"value": None, "exists": False}


def test_undeclared_stores_and_databases_are_denied(pod: Pod) -> None:
    assert pod.get("/kv", store="third", key="a").json()["error"] == "Error_AccessDenied"
    assert pod.get("/users/1/kv", key="a").json()["error"] == "Error_AccessDenied"
    assert pod.client.post("/sql?database=other", content="SELECT 1").json()["error"] == "Error_AccessDenied"


def test_wasi_key_value_with_batches_counters_and_swaps(pod: Pod) -> None:
    seen = pod.get("/wasi-kv").json()
    assert seen["many"] == ["1", "2"]  # of three keys, one of which is not there
    assert seen["counted"] == [5, 3]
    assert seen["lost"] is True
    assert seen["a"] == "4"
    assert {"a", "counter"} <= set(seen["keys"])
    assert "b" not in seen["keys"]


def test_sqlite_rows_and_columns(pod: Pod) -> None:
    def run(statement: str) -> dict[str, object]:
        found: dict[str, object] = pod.client.post("/sql", content=statement).json()
        return found

    assert run("CREATE TABLE pets (id INTEGER PRIMARY KEY, name TEXT)") == {"columns": [], "rows": []}
    run("INSERT INTO pets (name) VALUES ('Rex'), (NULL)")
    assert run("SELECT id, name FROM pets ORDER BY id") == {"columns": ["id", "name"], "rows": [[1, "Rex"], [2, None]]}
    assert run("VACUUM") == {"columns": [], "rows": []}
    broken = run("SELECT * FROM absent")
    assert broken["error"] == "Error_Io"
    assert "no such table: absent" in str(broken["detail"])


def test_sqlite_value_types_survive_both_ways(pod: Pod) -> None:
    assert pod.get("/sql-types").json() == [
        ["Value_Integer", -(2**63)],
        ["Value_Real", 1.5],
        ["Value_Text", "한글"],
        ["Value_Blob", "AP8="],
        ["Value_Null", None],
    ]


@pytest.mark.parametrize(
    "statement", ["ATTACH '{}' AS other", "VACUUM INTO '{}'", "PRAGMA temp_store_directory = '/tmp'"]
)
def test_sqlite_cannot_leave_its_file(pod: Pod, tmp_path: Path, statement: str) -> None:
    other = tmp_path / "other.db"
    response = pod.client.post("/sql", content=statement.format(other))
    assert (response.status_code, response.json()["error"]) == (422, "Error_Io")
    assert not other.exists()


def test_state_outlives_a_pod_and_is_shared_between_pods(sample: Path, serve: Serve) -> None:
    first = serve(sample)
    first.client.put("/kv", params={"key": "kept"}, content=b"before")
    first.client.post("/sql", content="CREATE TABLE kept AS SELECT 7 AS n")
    second = serve(sample)
    assert second.get("/kv", key="kept").json()["value"] == "before"
    second.client.put("/kv", params={"key": "kept"}, content=b"after")
    assert first.get("/kv", key="kept").json()["value"] == "after"
    first.terminate()
    second.terminate()
    assert (first.wait(), second.wait()) == (0, 0)
    third = serve(sample)
    assert third.get("/kv", key="kept").json()["value"] == "after"
    assert third.client.post("/sql", content="SELECT n FROM kept").json()["rows"] == [[7]]


def test_outbound_requests_to_an_allowed_host(pod: Pod, upstream: str) -> None:
    response = pod.get("/fetch", url=f"http://{upstream}/path?q=1")
    assert response.text == "GET /path?q=1 yes "
    assert response.headers["x-status"] == "203"
    assert response.headers["x-seen"] == upstream
    posted = pod.client.post("/fetch", params={"url": f"http://{upstream}/"}, content=b"body " * 40_000)
    assert posted.content == b"POST / None " + b"body " * 40_000


@pytest.mark.parametrize(
    "url", ["http://localhost:{port}/", "https://127.0.0.1:{port}/", "http://127.0.0.1:1/", "/hello"]
)
def test_outbound_requests_elsewhere_are_denied(pod: Pod, upstream: str, url: str) -> None:
    response = pod.get("/fetch", url=url.format(port=upstream.rpartition(":")[2]))
    assert (response.status_code, response.json()["error"]) == (422, "ErrorCode_HttpRequestDenied")


def test_a_component_calls_a_sibling_without_the_network(pod: Pod) -> None:
    assert pod.get("/fetch", url="http://users.spin.internal/hello?name=sibling").text == "hello sibling"
    assert pod.get("/fetch", url="http://private.spin.internal/hello").text == "hello world"
    seen = pod.get("/fetch", url="http://users.spin.internal/a/headers?q").json()
    assert seen["spin-client-addr"] == "0.0.0.0:0"
    assert seen["spin-full-url"] == "http://localhost/a/headers?q"


def test_a_component_that_is_not_there(pod: Pod) -> None:
    denied = pod.get("/fetch", url="http://nobody.spin.internal/").json()
    assert denied["error"] == "ErrorCode_HttpRequestDenied", "a wildcard stands for the app's own components"
    assert pod.get("/fetch", url="http://gone.spin.internal/").status_code == 500, "named, it ends the caller"
    wait_for(pod.errors, "GET /fetch: the function called gone.spin.internal, but the app has no component 'gone'")


def test_addresses_that_spin_does_not_call(pod: Pod, upstream: str) -> None:
    with_password = pod.get("/fetch", url=f"http://user:password@{upstream}/")
    assert with_password.json()["error"] == "ErrorCode_DnsError"
    assert pod.get("/fetch", url=f"http://{upstream}/a b").status_code == 422
    assert pod.get("/fetch", url=f"http://{upstream}/a?b c").status_code == 422
    assert pod.get("/fetch", url=f'http://{upstream}/a"{{b}}?c|d').status_code == 200


def test_what_this_machine_lacks_says_so(pod: Pod) -> None:
    redis = pod.get("/redis")
    assert redis.status_code == 422
    assert "one-machine cloud" in json.dumps(redis.json())


def test_a_port_of_this_machine_has_to_be_named_and_opened(
    pull: Callable[[], Pulled], serve: Serve, upstream: str
) -> None:
    pulled = pull()
    pulled.add("wide", "/wide/...", {"allowed_outbound_hosts": ["http://*:*", "http://127.0.0.0/8:*"]})
    pulled.add("named", "/named/...", {"allowed_outbound_hosts": [f"http://{upstream}"]})
    app, port = pulled.write(), upstream.rpartition(":")[2]
    closed, opened = serve(app), serve(app, "--local-port", port)
    reached = {
        (name, component): pod.get(f"/{component}/fetch", url=f"http://{upstream}/").status_code
        for name, pod in (("closed", closed), ("opened", opened))
        for component in ("named", "wide")
    }
    assert [way for way, status in reached.items() if status == 200] == [("opened", "named")]
    assert closed.get("/wide/fetch", url=f"{closed.url}/wide/list").status_code == 200, "the app itself"
    wait_for(closed.errors, f"{upstream} is this machine, which functions do not reach.")
