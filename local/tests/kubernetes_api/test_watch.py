"""Watches and list paging."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from kubernetes import client, watch

from local.kubernetes.api import ServerThread, create_app
from local.tests.kubernetes_api.conftest import GROUP, VERSION, ApiServer, Http, spinapp, spinapps

MERGE = "application/merge-patch+json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


@contextmanager
def watching(http: Http, path: str, accept: str = "application/json", **query: str) -> Iterator[Iterator[Any]]:
    parameters = {"watch": "1", "timeoutSeconds": "20", **query}
    with http.client.stream("GET", path, params=parameters, headers={"Accept": accept}) as response:
        assert response.status_code == 200
        yield (json.loads(line) for line in response.iter_lines())


def version_of(http: Http, path: str) -> str:
    return str(http.ok("GET", path)["metadata"]["resourceVersion"])


def test_watch_from_a_list_sees_each_change_once(http: Http, namespace: str) -> None:
    path = spinapps(namespace)
    http.ok("POST", path, spinapp("before"))
    with watching(http, path, resourceVersion=version_of(http, path)) as events:
        http.ok("POST", path, spinapp("w"))
        http.ok("PATCH", f"{path}/w", {"spec": {"replicas": 4}}, MERGE)
        http.ok("DELETE", f"{path}/w")
        seen = [next(events) for _ in range(3)]
    assert [(event["type"], event["object"]["metadata"]["name"]) for event in seen] == [
        ("ADDED", "w"),
        ("MODIFIED", "w"),
        ("DELETED", "w"),
    ]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in seen]
    assert versions == sorted(set(versions))


def test_watch_without_a_version_begins_with_what_is_there(http: Http, namespace: str) -> None:
    http.ok("POST", spinapps(namespace), spinapp("a"))
    with watching(http, spinapps(namespace)) as events:
        first = next(events)
    assert (first["type"], first["object"]["metadata"]["name"]) == ("ADDED", "a")


def test_an_object_that_leaves_the_selection_is_deleted_for_the_watch(http: Http, namespace: str) -> None:
    path = spinapps(namespace)
    http.ok("POST", path, spinapp("a"))
    with watching(http, path, labelSelector="team=a", resourceVersion=version_of(http, path)) as events:
        http.ok("PATCH", f"{path}/a", {"metadata": {"labels": {"team": "b"}}}, MERGE)
        http.ok("PATCH", f"{path}/a", {"metadata": {"labels": {"team": "a"}}}, MERGE)
        assert [next(events)["type"] for _ in range(2)] == ["DELETED", "ADDED"]


def test_bookmarks_and_initial_events(http: Http, namespace: str) -> None:
    http.ok("POST", spinapps(namespace), spinapp("a"))
    query = {"allowWatchBookmarks": "true", "sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
    with watching(http, spinapps(namespace), **query) as events:
        assert next(events)["type"] == "ADDED"
        bookmark = next(events)
    assert bookmark["type"] == "BOOKMARK"
    assert bookmark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert bookmark["object"]["metadata"]["resourceVersion"].isdecimal()


def test_watch_ends_after_its_timeout_without_a_word(http: Http, namespace: str) -> None:
    path = spinapps(namespace)
    version = version_of(http, path)
    query = {"timeoutSeconds": "1", "allowWatchBookmarks": "true", "resourceVersion": version}
    with watching(http, path, **query) as events:
        assert list(events) == []


@pytest.mark.stand_in_only("its history is made to be forgotten")
def test_watch_from_a_forgotten_version_is_gone(http: Http, namespace: str, server: ApiServer) -> None:
    path = spinapps(namespace)
    version = version_of(http, path)
    http.ok("POST", path, spinapp("a"))
    server.state.store.forget_history()
    with watching(http, path, resourceVersion=version) as events:
        error = next(events)
    assert error["type"] == "ERROR"
    assert (error["object"]["code"], error["object"]["reason"]) == (410, "Expired")
    assert error["object"]["message"].startswith("too old resource version")


@pytest.mark.stand_in_only("etcd's versions never begin anew, so the real server waits for those to come")
def test_watch_from_a_version_of_another_life_is_gone(http: Http, namespace: str) -> None:
    with watching(http, spinapps(namespace), resourceVersion="99999999") as events:
        assert next(events)["object"]["code"] == 410


def test_watch_as_table_heads_the_first_event_only(http: Http, namespace: str) -> None:
    path = spinapps(namespace)
    for name in ("a", "b"):
        http.ok("POST", path, spinapp(name))
    with watching(http, path, TABLE) as events:
        first, second = next(events), next(events)
    assert [column["name"] for column in first["object"]["columnDefinitions"]][:2] == ["Name", "Ready"]
    assert second["object"]["columnDefinitions"] is None
    assert second["object"]["rows"][0]["cells"][0] == "b"


def test_official_watch(api: client.ApiClient, http: Http, namespace: str) -> None:
    custom = client.CustomObjectsApi(api)
    version = version_of(http, spinapps(namespace))
    untyped: Any = watch
    watcher, ready = untyped.Watch(), threading.Event()
    seen: list[tuple[str, str]] = []

    def follow() -> None:
        ready.set()
        arguments = (custom.list_namespaced_custom_object, GROUP, VERSION, namespace, "spinapps")
        for event in watcher.stream(*arguments, resource_version=version, timeout_seconds=20):
            seen.append((event["type"], event["object"]["metadata"]["name"]))
            if event["type"] == "DELETED":
                watcher.stop()

    thread = threading.Thread(target=follow)
    thread.start()
    ready.wait()
    http.ok("POST", spinapps(namespace), spinapp("w"))
    http.ok("DELETE", spinapps(namespace, "w"))
    thread.join(15)
    assert seen == [("ADDED", "w"), ("DELETED", "w")]


def test_bad_watch_parameters_are_refused(http: Http, namespace: str) -> None:
    status = http.refused(500, "GET", spinapps(namespace), watch="1", resourceVersion="x")
    assert status["message"] == 'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax'
    http.refused(400, "GET", spinapps(namespace), watch="1", timeoutSeconds="soon")


def test_lists_come_in_pages(http: Http, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/secrets"
    for index in range(5):
        http.ok("POST", path, {"metadata": {"name": f"c{index}"}})
    first = http.ok("GET", path, limit="2")
    assert [item["metadata"]["name"] for item in first["items"]] == ["c0", "c1"]
    assert first["metadata"]["remainingItemCount"] == 3
    http.ok("DELETE", f"{path}/c1")
    second = http.ok("GET", path, limit="2", **{"continue": first["metadata"]["continue"]})
    assert [item["metadata"]["name"] for item in second["items"]] == ["c2", "c3"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    last = http.ok("GET", path, limit="2", **{"continue": second["metadata"]["continue"]})
    assert [item["metadata"]["name"] for item in last["items"]] == ["c4"]
    assert "continue" not in last["metadata"]
    http.refused(400, "GET", path, **{"continue": "nonsense"})
    http.refused(400, "GET", path, limit="many")
    assert len(http.ok("GET", path, limit="-1")["items"]) == 4


@pytest.mark.stand_in_only("its history is made to be forgotten")
def test_a_page_of_a_forgotten_version_is_gone(http: Http, namespace: str, server: ApiServer) -> None:
    path = f"/api/v1/namespaces/{namespace}/secrets"
    for index in range(2):
        http.ok("POST", path, {"metadata": {"name": f"c{index}"}})
    first = http.ok("GET", path, limit="1")
    http.ok("POST", path, {"metadata": {"name": "d"}})
    server.state.store.forget_history()
    gone = http.refused(410, "GET", path, limit="1", **{"continue": first["metadata"]["continue"]})
    assert gone["reason"] == "Expired"


def test_stopping_the_server_ends_its_watches() -> None:
    with (
        ServerThread(create_app()) as other,
        httpx.stream("GET", f"{other.url}/api/v1/namespaces?watch=1", trust_env=False, timeout=10) as response,
    ):
        lines = response.iter_lines()
        next(lines)
        other.app.state.watches.close()
        assert all(json.loads(line)["type"] == "ADDED" for line in lines)
