"""How often each request asks the API server: docs/deploying.md repeats these numbers."""

import re
from pathlib import Path

import pytest

from functions.cluster.resources import DEPLOYMENTS, SERVICE_ACCOUNTS
from tests.unit.cluster.conftest import IMAGE, Deploy
from tests.unit.cluster.kubernetes_server import Administrator, KubernetesServer

NAME = "my-function"
V2 = IMAGE.replace("a1b2c3d4", "v2")


def asked(server: KubernetesServer) -> list[str]:
    """The deployer's calls since the last time, as ``verb plural``; dry runs end with a question mark."""
    calls = [f"{call.verb} {call.plural}{'?' if call.dry_run else ''}" for call in server.calls]
    server.calls.clear()
    return calls


def test_a_new_app(deploy: Deploy, server: KubernetesServer) -> None:
    deploy(app_name=NAME)
    new = asked(server)
    assert new[0] == "get spinapps"
    assert sorted(new[1:3]) == ["get deployments", "get services"]  # at the same time
    assert new[3:] == [
        "create horizontalpodautoscalers?",
        "create spinapps",
        "create horizontalpodautoscalers",
        "get spinapps",
        "list services",
    ]
    deploy(app_name="other", enable_autoscaling=False)
    assert asked(server)[3:] == ["create spinapps", "list services"]
    deploy()
    assert len(asked(server)) == 5
    deploy(enable_autoscaling=False)
    assert asked(server) == ["create spinapps", "list services"]


def test_an_update(deploy: Deploy, server: KubernetesServer, kubectl: Administrator) -> None:
    kubectl.create(SERVICE_ACCOUNTS, "runner")
    deploy(app_name=NAME)
    deploy(app_name="fixed", enable_autoscaling=False)
    asked(server)
    deploy(app_name="fixed", image_ref=V2)
    assert asked(server) == ["get spinapps", "patch spinapps", "list services"]
    deploy(app_name=NAME, image_ref=V2)
    assert asked(server) == ["get spinapps", "get horizontalpodautoscalers", "patch spinapps", "list services"]
    deploy(app_name=NAME, use_spot=False, service_account="runner", memory_request="64Mi")
    assert asked(server) == [
        "get spinapps",
        "get serviceaccounts",
        "list limitranges",
        "get horizontalpodautoscalers",
        "patch spinapps",
        "list services",
    ]
    deploy(app_name=NAME, max_replicas=5)
    assert asked(server) == [
        "get spinapps",
        "get horizontalpodautoscalers",
        "patch horizontalpodautoscalers?",
        "patch spinapps",
        "patch horizontalpodautoscalers",
        "list services",
    ]


def test_autoscaling_off_and_on(deploy: Deploy, server: KubernetesServer) -> None:
    deploy(app_name=NAME)
    asked(server)
    deploy(app_name=NAME, enable_autoscaling=False)
    assert asked(server) == [
        "get spinapps",
        "patch spinapps?",
        "get horizontalpodautoscalers",
        "delete horizontalpodautoscalers",
        "patch spinapps",
        "get horizontalpodautoscalers",
        "list services",
    ]
    deploy(app_name=NAME, enable_autoscaling=True)
    assert asked(server) == [
        "get spinapps",
        "get horizontalpodautoscalers",
        "create horizontalpodautoscalers?",
        "get deployments",
        "patch deployments",
        "patch spinapps",
        "create horizontalpodautoscalers",
        "get spinapps",
        "list services",
    ]


@pytest.mark.parametrize("autoscaling", [True, False])
def test_looking_at_apps(
    deploy: Deploy, call: Deploy, server: KubernetesServer, kubectl: Administrator, autoscaling: bool
) -> None:
    deploy(app_name=NAME, enable_autoscaling=autoscaling)
    asked(server)
    together = ["get deployments", "get services", "list events"]
    call("GET", f"/{NAME}")
    first, *others, last = asked(server)
    assert (first, last) == ("get spinapps", "list pods")
    assert sorted(others) == sorted([*together, *(["get horizontalpodautoscalers"] if autoscaling else [])])

    serving = {"observedGeneration": 9, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}
    kubectl.patch(DEPLOYMENTS, NAME, {"status": serving}, "/status")
    assert call("GET", f"/{NAME}").body["status"] == "available"
    assert len(asked(server)) == 5 + autoscaling
    call("GET")
    assert asked(server) == ["list spinapps"]
    call("GET", f"/{NAME}/revisions")
    assert asked(server) == ["get spinapps"]


@pytest.mark.stand_in_only("the real garbage collector comes a moment later: a DELETE then makes one call more")
def test_back_and_away(deploy: Deploy, call: Deploy, server: KubernetesServer) -> None:
    deploy(app_name=NAME)
    deploy(app_name=NAME, image_ref=V2)
    asked(server)
    call("POST", f"/{NAME}/rollback", {})
    assert asked(server) == ["get spinapps", "get horizontalpodautoscalers", "patch spinapps", "list services"]
    call("DELETE", f"/{NAME}")
    # And one more to delete the autoscaler, where the garbage collector has not done it by then.
    assert asked(server) == ["get spinapps", "delete spinapps", "get horizontalpodautoscalers"]


def test_the_documented_numbers() -> None:
    text = (Path(__file__).parents[3] / "docs" / "deploying.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    assert {what: (int(on), int(off)) for what, on, off in rows} == {
        "a new app with a name": (8, 5),
        "a new app under a generated name": (5, 2),
        "another image": (4, 3),
        "autoscaling turned on, off": (9, 7),
        "rollback of an image": (4, 3),
        "`GET` of an app that serves": (6, 5),
        "`DELETE`": (3, 3),
    }
