"""What the operator makes of a SpinApp beside its Service: Deployment, Secrets, mounts."""

import base64
from typing import Any

import pytest

from local.kubernetes.controllers.spinapp_objects import deployment_for
from local.kubernetes.controllers.spinapp_secrets import ca_secret, ca_secret_name, runtime_secret

EXECUTOR = {"spec": {"createDeployment": True, "deploymentConfig": {"runtimeClassName": "spin"}}}
# As go-toml 2.2.4 writes the operator's configuration, and Go's adler32 of it.
PLAIN = "[[config_provider]]\ntype = 'env'\nprefix = 'SPIN_VARIABLE_'\n"


def app(**spec: Any) -> dict[str, Any]:
    metadata = {"name": "hello", "namespace": "default", "uid": "1"}
    return {"metadata": metadata, "spec": {"image": "i:1", "replicas": 2, **spec}}


def executor(**config: Any) -> dict[str, Any]:
    return {"spec": {"createDeployment": True, "deploymentConfig": {"runtimeClassName": "spin", **config}}}


def test_an_app_is_selected_by_its_name_and_its_state() -> None:
    spec = deployment_for(app(podLabels={"team": "a"}), EXECUTOR, None, None)["spec"]
    labels = {"core.spinkube.dev/app-name": "hello", "core.spinkube.dev/app.hello.status": "ready"}
    assert spec["selector"]["matchLabels"] == labels
    assert spec["template"]["metadata"]["labels"] == {"team": "a", **labels}


def test_where_to_send_what_is_measured() -> None:
    """After the address that Spin listens on, as the operator appends it."""
    otel = {"exporter_otlp_traces_endpoint": "http://traces", "exporter_otlp_endpoint": "http://all"}
    spec = deployment_for(app(), executor(otel=otel), None, None)["spec"]["template"]["spec"]
    assert [(each["name"], each["value"]) for each in spec["containers"][0]["env"]] == [
        ("SPIN_HTTP_LISTEN_ADDR", "0.0.0.0:80"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces"),
    ]


def test_the_secrets_are_mounted() -> None:
    spec = deployment_for(app(), EXECUTOR, "hello-760b133c", "spin-ca")["spec"]["template"]["spec"]
    assert [volume["name"] for volume in spec["volumes"]] == ["spin-runtime-config", "spin-ca"]
    assert spec["volumes"][0]["secret"]["secretName"] == "hello-760b133c"
    assert all(volume["secret"]["optional"] for volume in spec["volumes"])
    mounts = [(mount["mountPath"], mount["subPath"]) for mount in spec["containers"][0]["volumeMounts"]]
    assert mounts == [
        ("/runtime-config.toml", "runtime-config.toml"),
        ("/etc/ssl/certs/ca-certificates.crt", "ca-certificates.crt"),
    ]


def test_the_runtime_configuration() -> None:
    secret = runtime_secret(app())
    assert secret is not None
    assert base64.b64decode(secret["data"]["runtime-config.toml"]).decode() == PLAIN
    assert secret["metadata"]["name"] == "hello-760b133c"
    assert "controller" not in secret["metadata"]["ownerReferences"][0]


def test_an_app_with_a_configuration_of_its_own_gets_none() -> None:
    assert runtime_secret(app(runtimeConfig={"loadFromSecret": "mine"})) is None


@pytest.mark.parametrize(
    ("config", "mounted", "made"),
    [
        ({}, None, False),
        ({"installDefaultCACerts": True}, "spin-ca", True),
        ({"caCertSecret": "ours"}, "ours", False),
        ({"caCertSecret": "ours", "installDefaultCACerts": True}, "ours", True),
    ],
)
def test_certificate_authorities(config: dict[str, Any], mounted: str | None, made: bool) -> None:
    assert ca_secret_name(executor(**config)) == mounted
    secret = ca_secret(executor(**config), "default")
    assert (secret is not None) is made
    if secret is not None:
        assert secret["metadata"]["name"] == mounted
        assert "BEGIN CERTIFICATE" in secret["stringData"]["ca-certificates.crt"]
