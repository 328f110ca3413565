"""How long a deploy takes until its app is ready, beside ``kubectl apply`` of the SpinApp that the deploy made.

Both take turns, on the same cluster and node, with an image that the node has, and are looked at in the same way. What
a deploy takes more is what it checks before: the image, its signature, the names; and the stand-ins for API Gateway,
Lambda, ECR and KMS.
"""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from bench import charts
from bench.page import figure, replace_between, table
from conformance.control_plane.waiting import found, ok, until
from conformance.report import PAGE
from local.kubernetes.machinery.http_api import HttpApi
from local.kubernetes.machinery.resources import DEPLOYMENTS, PODS, SPIN_APPS
from tests.benchmarks.series import Series

MARK: Final = 1.3
"""Most of what kubectl takes."""
_RUNS: Final = 15
_NAMESPACE: Final = "default"
_LOOK_SECONDS: Final = 0.005
DEPLOY: Final = "POST /api/v1/deploy"
APPLY: Final = "kubectl apply"
_KEPT: Final = ("labels", "annotations")
"""Of an object's metadata: the rest is the server's."""

Times = dict[str, Series]
"""Seconds until the app is ready, by who made it."""


def measure(http: httpx.Client, api: HttpApi, kubeconfig: Path, image: str) -> Times:
    """Make apps by both, one after the other."""
    times: dict[str, list[float]] = {DEPLOY: [], APPLY: []}
    file = kubeconfig.with_name("spinapp.yaml")
    kubectl = ["kubectl", f"--kubeconfig={kubeconfig}", "apply", "-f", str(file)]

    def deploy(name: str) -> None:
        body = {"namespace": _NAMESPACE, "image_ref": image, "app_name": name, "enable_autoscaling": False}
        ok(http.post("/api/v1/deploy", json=body))

    def apply(_: str) -> None:
        subprocess.run(kubectl, check=True, stdout=subprocess.DEVNULL)

    for number in range(_RUNS + 1):
        first, second = f"deployed-{number}", f"applied-{number}"
        deployed = _until_ready(api, first, deploy)
        file.write_text(yaml.safe_dump(_same(api, first, second)), "utf-8")
        _delete(api, first)
        applied = _until_ready(api, second, apply)
        _delete(api, second)
        if number:  # the first time, kubectl reads what kinds there are, and the deploy function starts
            times[DEPLOY].append(deployed)
            times[APPLY].append(applied)
    return {name: Series(tuple(values)) for name, values in times.items()}


def record(times: Times, head: str, page: Path = PAGE) -> None:
    """Write table and picture into the page; ``head`` says where and when."""
    ratio = times[DEPLOY].median / times[APPLY].median
    rows = [[name, f"{series} s", f"{len(series.values)}"] for name, series in times.items()]
    rows.append(["ratio of the medians", f"{ratio:.2f} (at most {MARK:g}: {'yes' if ratio <= MARK else '**no**'})", ""])
    title = "Seconds until a new app is ready, run by run"
    series = {name: list(enumerate(each.values, 1)) for name, each in times.items()}
    chart = charts.lines(title, series, x_title="run", include_x_axis=True)
    says = f"{title}: " + "; ".join(f"{name} {each} s" for name, each in times.items())
    text = table(("", "until the app is ready", "times"), rows)
    replace_between(page, "deploy_times", f"{head}\n\n{text}\n\n{figure(page, 'deploys', says, chart)}")


def _until_ready(api: HttpApi, name: str, make: Callable[[str], None]) -> float:
    """Return seconds from the request on until the app's Deployment has its replica ready."""

    def is_ready() -> bool:
        deployment = found(api, DEPLOYMENTS, _NAMESPACE, name)
        return deployment is not None and deployment.get("status", {}).get("readyReplicas") == 1

    began = time.monotonic()
    make(name)
    until(is_ready, f"{name} is ready", _LOOK_SECONDS)
    return time.monotonic() - began


def _same(api: HttpApi, name: str, other: str) -> dict[str, Any]:
    """Return the manifest of an app as somebody would write it, under another name."""
    app = api.get(SPIN_APPS, _NAMESPACE, name)
    kept = {part: app["metadata"][part] for part in _KEPT if part in app["metadata"]}
    metadata = {**kept, "name": other, "namespace": _NAMESPACE}
    return {"apiVersion": app["apiVersion"], "kind": app["kind"], "metadata": metadata, "spec": app["spec"]}


def _delete(api: HttpApi, name: str) -> None:
    """Delete an app and wait until its pods are gone: they take processor time from the next."""
    api.delete(SPIN_APPS, _NAMESPACE, name)
    selector = f"core.spinkube.dev/app-name={name}"
    until(lambda: not api.list(PODS, _NAMESPACE, labelSelector=selector)["items"], f"the pods of {name} go")
