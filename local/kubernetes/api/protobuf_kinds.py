"""Bodies in Kubernetes' protobuf form, which `kubectl create …` and `kubectl auth …` send and will not send as JSON.

Only the kinds that those commands make are here; kubectl sends everything else (apply, patch, edit, scale) as JSON.
Envelope and field numbers: `generated.proto` of k8s.io/api and k8s.io/apimachinery.
"""

from __future__ import annotations

from typing import Any

from local.kubernetes.api.errors import bad_request
from local.kubernetes.api.protobuf import (
    Map,
    Reader,
    Repeated,
    Table,
    base64_text,
    fields,
    integer,
    message,
    nothing,
    text,
    unsupported,
)

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"


def decode_protobuf(raw: bytes) -> dict[str, Any]:
    """The object in a protobuf body. Raises ApiError 400 when it is malformed, 415 when its kind is not known here."""
    if not raw.startswith(_MAGIC):
        raise bad_request("the protobuf body does not begin with the bytes k8s\\x00")
    envelope = message(
        {
            1: ("typeMeta", message({1: ("apiVersion", text), 2: ("kind", text)})),
            2: ("raw", bytes),
            3: ("contentEncoding", nothing),
            4: ("contentType", nothing),
        }
    )
    try:
        unknown = envelope(raw[len(_MAGIC) :])
        kind = unknown.get("typeMeta", {}).get("kind", "")
        reader = _KINDS.get(kind)
        if reader is None:
            raise unsupported(kind)
        return {**unknown["typeMeta"], **reader(unknown.get("raw", b""))}
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise bad_request(f"the protobuf body cannot be read: {error}") from error


_texts = Repeated(text)
_text_map = Map(text)
_quantity = message({1: ("string", text)})
_reference = message(
    {
        1: ("kind", text),
        3: ("name", text),
        4: ("uid", text),
        5: ("apiVersion", text),
        6: ("controller", bool),
        7: ("blockOwnerDeletion", bool),
    }
)
_metadata = message(
    {
        1: ("name", text),
        2: ("generateName", text),
        3: ("namespace", text),
        4: ("selfLink", text),
        5: ("uid", text),
        6: ("resourceVersion", text),
        7: ("generation", nothing),
        8: ("creationTimestamp", nothing),
        9: ("deletionTimestamp", nothing),
        10: ("deletionGracePeriodSeconds", nothing),
        11: ("labels", _text_map),
        12: ("annotations", _text_map),
        13: ("ownerReferences", Repeated(_reference)),
        14: ("finalizers", _texts),
        17: ("managedFields", nothing),
    }
)
_meta: Table = {1: ("metadata", _metadata)}
_status: Table = {3: ("status", nothing)}


def _int_or_string(raw: bytes) -> int | str:
    read = dict(fields(raw))
    return text(read.get(3, b"")) if read.get(1) else integer(read.get(2, 0))


_container = message(
    {
        1: ("name", text),
        2: ("image", text),
        3: ("command", _texts),
        4: ("args", _texts),
        6: (
            "ports",
            Repeated(
                message(
                    {
                        1: ("name", text),
                        2: ("hostPort", nothing),
                        3: ("containerPort", integer),
                        4: ("protocol", text),
                        5: ("hostIP", text),
                    }
                )
            ),
        ),
        7: ("env", Repeated(message({1: ("name", text), 2: ("value", text)}))),
        8: (
            "resources",
            message(
                {
                    1: ("limits", Map(lambda raw: _quantity(raw)["string"])),
                    2: ("requests", Map(lambda raw: _quantity(raw)["string"])),
                }
            ),
        ),
        5: ("workingDir", text),
        13: ("terminationMessagePath", text),
        14: ("imagePullPolicy", text),
        16: ("stdin", nothing),
        17: ("stdinOnce", nothing),
        18: ("tty", nothing),
        20: ("terminationMessagePolicy", text),
    }
)
# The booleans of a PodSpec and its names at their zero values: kubectl sets none of them.
_pod_spec = message(
    {
        2: ("containers", Repeated(_container)),
        3: ("restartPolicy", text),
        6: ("dnsPolicy", text),
        8: ("serviceAccountName", text),
    }
    | {number: (f"field{number}", nothing) for number in (9, 10, 11, 12, 13, 14, 16, 17, 19, 24, 29)}
)
_selector = message({1: ("matchLabels", _text_map)})
_deployment_spec = message(
    {
        1: ("replicas", integer),
        2: ("selector", _selector),
        3: ("template", message({**_meta, 2: ("spec", _pod_spec)})),
        4: ("strategy", message({1: ("type", text)})),
        5: ("minReadySeconds", nothing),
        7: ("paused", nothing),
    }
)
_port = message(
    {
        1: ("name", text),
        2: ("protocol", text),
        3: ("port", integer),
        4: ("targetPort", _int_or_string),
        5: ("nodePort", nothing),
    }
)
_service_spec = message(
    {
        1: ("ports", Repeated(_port)),
        2: ("selector", _text_map),
        3: ("clusterIP", text),
        4: ("type", text),
        7: ("sessionAffinity", text),
        8: ("loadBalancerIP", text),
        10: ("externalName", text),
        11: ("externalTrafficPolicy", text),
        12: ("healthCheckNodePort", nothing),
        13: ("publishNotReadyAddresses", nothing),
    }
)
_rule = message(
    {
        1: ("verbs", _texts),
        2: ("apiGroups", _texts),
        3: ("resources", _texts),
        4: ("resourceNames", _texts),
        5: ("nonResourceURLs", _texts),
    }
)
_subject = message({1: ("kind", text), 2: ("apiGroup", text), 3: ("name", text), 4: ("namespace", text)})
_role = message({**_meta, 2: ("rules", Repeated(_rule))})
_binding = message(
    {
        **_meta,
        2: ("subjects", Repeated(_subject)),
        3: ("roleRef", message({1: ("apiGroup", text), 2: ("kind", text), 3: ("name", text)})),
    }
)
_access = message(
    {
        1: (
            "resourceAttributes",
            message(
                {
                    1: ("namespace", text),
                    2: ("verb", text),
                    3: ("group", text),
                    4: ("version", text),
                    5: ("resource", text),
                    6: ("subresource", text),
                    7: ("name", text),
                }
            ),
        ),
        2: ("nonResourceAttributes", message({1: ("path", text), 2: ("verb", text)})),
    }
)

_KINDS: dict[str, Reader] = {
    "Namespace": message({**_meta, **_status, 2: ("spec", message({1: ("finalizers", _texts)}))}),
    "ConfigMap": message(
        {**_meta, 2: ("data", _text_map), 3: ("binaryData", Map(base64_text)), 4: ("immutable", bool)}
    ),
    "Secret": message(
        {
            **_meta,
            2: ("data", Map(base64_text)),
            3: ("type", text),
            4: ("stringData", _text_map),
            5: ("immutable", bool),
        }
    ),
    "ServiceAccount": message({**_meta, 3: ("imagePullSecrets", Repeated(message({1: ("name", text)})))}),
    "ResourceQuota": message(
        {
            **_meta,
            **_status,
            2: ("spec", message({1: ("hard", Map(lambda raw: _quantity(raw)["string"])), 2: ("scopes", _texts)})),
        }
    ),
    "Deployment": message({**_meta, **_status, 2: ("spec", _deployment_spec)}),
    "Service": message({**_meta, **_status, 2: ("spec", _service_spec)}),
    "Role": _role,
    "ClusterRole": _role,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
    "SelfSubjectAccessReview": message({**_meta, **_status, 2: ("spec", _access)}),
    "SelfSubjectReview": message({**_meta, 2: ("status", nothing)}),
    "DeleteOptions": message(
        {
            1: ("gracePeriodSeconds", integer),
            2: ("preconditions", message({1: ("uid", text), 2: ("resourceVersion", text)})),
            3: ("orphanDependents", bool),
            4: ("propagationPolicy", text),
            5: ("dryRun", _texts),
        }
    ),
}
