"""EKS knows one cluster from the start: the local Kubernetes API, at the address that the kubernetes file gives.

The file (JSON: ``endpoint``, ``ca_data`` in base64) is read at every DescribeCluster, because the Kubernetes process
writes it when it is ready. Until then the cluster is CREATING, as a real one would be.
"""

from typing import Any, cast

from ministack.services import eks as service

from local.aws.settings import Settings, SettingsError, read_json_object

Json = dict[str, Any]


def install(settings: Settings) -> None:
    """Create the cluster's record and answer with the local Kubernetes API's address."""
    public = service._sanitize

    def sanitize(cluster: Json) -> Json:
        shown = cast(Json, public(cluster))
        return shown | _address(settings) if shown.get("name") == settings.cluster_name else shown

    def ensure() -> None:
        if settings.cluster_name not in service._clusters:
            # No role: nothing is done under it here, and ministack would look for it among the stack's.
            request = {"name": settings.cluster_name, "roleArn": "", "accessConfig": {"authenticationMode": "API"}}
            service._create_cluster(request)

    describe, restore = service._describe_cluster, service._restore_state

    def describe_cluster(name: str) -> Any:
        ensure()
        return describe(name)

    def restore_state(data: Json) -> None:
        restore(data)
        ensure()

    service._sanitize = sanitize
    service._describe_cluster = describe_cluster
    service._restore_state = restore_state
    ensure()


def _address(settings: Settings) -> Json:
    path = settings.kubernetes_file
    if path is None or not path.exists():
        return {"status": "CREATING", "endpoint": "", "certificateAuthority": {"data": ""}}
    content = read_json_object(path)
    if missing := {"endpoint", "ca_data"} - content.keys():
        raise SettingsError(f"{path} lacks {', '.join(sorted(missing))}")
    return {
        "status": "ACTIVE",
        "endpoint": content["endpoint"],
        "certificateAuthority": {"data": content["ca_data"]},
    }
