"""Checks of the EKS cluster: access entries, endpoint, and SpinKube's objects."""

import dataclasses
from collections.abc import Iterator
from typing import Any, Final

import boto3
from botocore.exceptions import ClientError

from functions.cluster.client import Cluster
from functions.cluster.deadline import Deadline
from functions.cluster.eks import cluster_until
from functions.cluster.errors import ClusterError, NotFoundError
from functions.cluster.resources import EXECUTORS, SPIN_APPS, Resource
from infra.preflight.findings import Finding, not_asked, ok, problem
from infra.settings import Kubernetes

_SECONDS: Final = 15.0
_ROLE_BINDINGS: Final = Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")


def eks(session: boto3.Session, kubernetes: Kubernetes) -> Iterator[Finding]:
    """Check the cluster as EKS describes it."""
    name = kubernetes.cluster_name
    subject = f"EKS cluster {name}"
    try:
        cluster: Any = session.client("eks").describe_cluster(name=name)["cluster"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        remedy = "Make it (docs/cluster.md), name another in kubernetes.cluster_name, or set kubernetes to null."
        yield problem(subject, f"not in region {session.region_name}", remedy)
        return
    if cluster["status"] != "ACTIVE":
        yield problem(subject, f"status {cluster['status']}", "Wait until it is ACTIVE.")
    else:
        yield ok(subject, f"ACTIVE, Kubernetes {cluster.get('version', 'of unknown version')}")
    mode = cluster.get("accessConfig", {}).get("authenticationMode", "CONFIG_MAP")
    if mode == "CONFIG_MAP":
        command = f"aws eks update-cluster-config --name {name} --access-config"
        remedy = f"{command} authenticationMode=API_AND_CONFIG_MAP (it cannot be turned back)"
        yield problem("access entries", f"the cluster's authentication mode is {mode}: it takes none", remedy)
    else:
        yield ok("access entries", f"authentication mode {mode}")
    network = cluster.get("resourcesVpcConfig", {})
    if kubernetes.vpc is None and network.get("endpointPublicAccess") is False:
        remedy = "Set kubernetes.vpc: the deploy function reaches a private endpoint from the cluster's network only."
        yield problem("cluster endpoint", "private", remedy)
    elif kubernetes.vpc is None and network.get("publicAccessCidrs", ["0.0.0.0/0"]) != ["0.0.0.0/0"]:
        remedy = "Lambda functions call from addresses that are not known beforehand: set kubernetes.vpc."
        yield problem("cluster endpoint", f"open to {', '.join(network['publicAccessCidrs'])} only", remedy)
    else:
        yield ok("cluster endpoint", "within the deploy function's reach, as far as EKS tells")


def spinkube(session: boto3.Session, kubernetes: Kubernetes) -> Iterator[Finding]:
    """Check the objects in the cluster, with the operator's own access entry."""
    region = str(session.region_name)
    cluster = cluster_until(Deadline.after(_SECONDS), kubernetes.cluster_name, region)
    try:
        _everywhere(cluster, SPIN_APPS)
        executors = {str(found["metadata"]["name"]) for found in _everywhere(cluster, EXECUTORS)}
        bindings = _everywhere(cluster, _ROLE_BINDINGS)
    except NotFoundError:
        remedy = "Install spin-operator and its CRDs: docs/cluster.md, step 3."
        yield problem("SpinKube", "the cluster does not know SpinApps", remedy)
        return
    except ClusterError as error:
        remedy = "Look with kubectl: kubectl get spinappexecutors,rolebindings -A (docs/cluster.md, steps 3 and 7)."
        yield not_asked("SpinKube", str(error), remedy)
        return
    yield ok("SpinKube", "the cluster knows SpinApps")
    for name in (kubernetes.executor_spot, kubernetes.executor_on_demand):
        if name in executors:
            yield ok(f"executor {name}", "in at least one namespace")
        else:
            yield problem(f"executor {name}", "in no namespace", "Apply cluster/tenant: docs/cluster.md, step 7.")
    bound = sorted(
        str(binding["metadata"]["namespace"])
        for binding in bindings
        if any(
            subject.get("kind") == "Group" and subject.get("name") == kubernetes.access_group
            for subject in binding.get("subjects") or []
        )
    )
    subject = f"group {kubernetes.access_group}"
    if bound:
        yield ok(subject, f"may deploy to: {', '.join(bound)}")
    else:
        yield problem(subject, "has rights in no namespace", "Apply cluster/tenant: docs/cluster.md, step 7.")


def _everywhere(cluster: Cluster, resource: Resource) -> list[Any]:
    """List the objects of all namespaces."""
    return cluster.list(dataclasses.replace(resource, namespaced=False), "")
