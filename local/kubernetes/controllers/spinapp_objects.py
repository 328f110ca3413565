"""The Deployment and the Service that a SpinApp stands for: pure functions, no API.

Shapes as spin-operator v0.6.1 makes them (``internal/controller/{spinapp_controller,deployment,service}.go``), of what
the one-machine cluster serves (`local.kubernetes.api.not_served`).
"""

from typing import Final

from local.kubernetes.machinery.meta import owner_reference
from local.kubernetes.machinery.resources import SPIN_APPS, Json

HTTP_PORT: Final = 80
HTTP_PORT_NAME: Final = "http-app"
APP_NAME_LABEL: Final = "core.spinkube.dev/app-name"
RUNTIME_CONFIG_FILE: Final = "runtime-config.toml"
CA_FILE: Final = "ca-certificates.crt"
_OTEL: Final = {
    "exporter_otlp_endpoint": "OTEL_EXPORTER_OTLP_ENDPOINT",
    "exporter_otlp_traces_endpoint": "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
}
"""Variables of the endpoints in an executor's ``otel``."""


def ready_label(app_name: str) -> dict[str, str]:
    """Return the label by which the Deployment and the Service find an app's pods."""
    return {f"core.spinkube.dev/app.{app_name}.status": "ready"}


def deployment_for(app: Json, executor: Json, runtime_secret: str | None, ca_secret: str | None) -> Json:
    """Make the Deployment to apply for a SpinApp, with the Secrets of those names mounted.

    ``spec.replicas`` is left out when autoscaling is on: the field then belongs to the autoscaler.
    """
    name, spec = app["metadata"]["name"], app["spec"]
    config = executor["spec"].get("deploymentConfig") or {}
    selector = {APP_NAME_LABEL: name, **ready_label(name)}
    volumes, mounts = _volumes(runtime_secret, ca_secret)
    pod_spec: Json = {
        "containers": [_container(name, spec, config.get("otel") or {}, mounts)],
        "serviceAccountName": spec.get("serviceAccountName") or "default",
    }
    if runtime_class := config.get("runtimeClassName"):
        pod_spec["runtimeClassName"] = runtime_class
    if spec.get("imagePullSecrets"):
        pod_spec["imagePullSecrets"] = spec["imagePullSecrets"]
    if volumes:
        pod_spec["volumes"] = volumes
    template_meta: Json = {"labels": {**(spec.get("podLabels") or {}), **selector}}
    if spec.get("podAnnotations"):
        template_meta["annotations"] = spec["podAnnotations"]
    deployment_spec: Json = {
        "selector": {"matchLabels": selector},
        "template": {"metadata": template_meta, "spec": pod_spec},
    }
    if not spec.get("enableAutoscaling"):
        deployment_spec["replicas"] = spec.get("replicas", 1)
    return {"metadata": _metadata(app, spec.get("deploymentAnnotations")), "spec": deployment_spec}


def service_for(app: Json) -> Json:
    """Make the Service to apply for a SpinApp: ClusterIP, port 80, whatever port the pods listen on."""
    return {
        "metadata": _metadata(app, app["spec"].get("serviceAnnotations")),
        "spec": {
            "type": "ClusterIP",
            "selector": ready_label(app["metadata"]["name"]),
            "ports": [{"protocol": "TCP", "port": HTTP_PORT, "targetPort": HTTP_PORT_NAME}],
        },
    }


def _metadata(app: Json, annotations: dict[str, str] | None) -> Json:
    name = app["metadata"]["name"]
    metadata: Json = {
        "name": name,
        "namespace": app["metadata"]["namespace"],
        "labels": {APP_NAME_LABEL: name},
        "ownerReferences": [owner_reference(app, SPIN_APPS)],
    }
    if annotations:
        metadata["annotations"] = annotations
    return metadata


def _volumes(runtime_secret: str | None, ca_secret: str | None) -> tuple[list[Json], list[Json]]:
    """Volumes and mounts, in the operator's order. Its Secrets are optional: a missing one stops no pod."""
    files = []
    if runtime_secret:
        files.append(_secret_file("spin-runtime-config", runtime_secret, RUNTIME_CONFIG_FILE, "/"))
    if ca_secret:
        files.append(_secret_file("spin-ca", ca_secret, CA_FILE, "/etc/ssl/certs/"))
    return [volume for volume, _ in files], [mount for _, mount in files]


def _secret_file(volume: str, secret: str, file: str, folder: str) -> tuple[Json, Json]:
    source = {"secretName": secret, "optional": True, "items": [{"key": file, "path": file}]}
    mount = {"name": volume, "readOnly": True, "mountPath": f"{folder}{file}", "subPath": file}
    return {"name": volume, "secret": source}, mount


def _container(name: str, spec: Json, otel: Json, mounts: list[Json]) -> Json:
    container: Json = {
        "name": name,
        "image": spec["image"],
        # The image names no command of its own and Kubernetes wants one; the shim does not look at it.
        "command": ["/"],
        "ports": [{"name": HTTP_PORT_NAME, "containerPort": HTTP_PORT}],
        "env": _environment(spec, otel),
    }
    if resources := {key: value for key, value in (spec.get("resources") or {}).items() if value}:
        container["resources"] = resources
    if mounts:
        container["volumeMounts"] = mounts
    checks = spec.get("checks") or {}
    for check, field in (("readiness", "readinessProbe"), ("liveness", "livenessProbe")):
        if (checks.get(check) or {}).get("httpGet"):
            container[field] = _probe(checks[check])
    return container


def _environment(spec: Json, otel: Json) -> list[Json]:
    environment: list[Json] = []
    for variable in spec.get("variables") or []:
        entry: Json = {"name": f"SPIN_VARIABLE_{variable['name'].upper()}"}
        if variable.get("valueFrom"):
            entry["valueFrom"] = variable["valueFrom"]
        else:
            entry["value"] = variable.get("value", "")
        environment.append(entry)
    environment.append({"name": "SPIN_HTTP_LISTEN_ADDR", "value": f"0.0.0.0:{HTTP_PORT}"})
    environment += [{"name": name, "value": otel[field]} for field, name in _OTEL.items() if otel.get(field)]
    return environment


def _probe(check: Json) -> Json:
    http_get: Json = {"path": check["httpGet"]["path"], "port": HTTP_PORT}
    if headers := check["httpGet"].get("httpHeaders"):
        http_get["httpHeaders"] = headers
    numbers = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
    return {"httpGet": http_get, **{field: check[field] for field in numbers if field in check}}
