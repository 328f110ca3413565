"""Protobuf bodies: whatever comes, it is read or refused (that kubectl's are read is in test_kubectl.py)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.kubernetes.api.errors import ApiError
from local.kubernetes.api.protobuf_kinds import decode_protobuf


def field(number: int, body: bytes) -> bytes:
    return bytes([number << 3 | 2, len(body)]) + body


def envelope(kind: bytes, raw: bytes) -> bytes:
    return b"k8s\x00" + field(1, field(1, b"v1") + field(2, kind)) + field(2, raw)


def test_an_object_is_read() -> None:
    name = field(1, field(1, b"n") + field(11, field(1, b"k") + field(2, b"v")))
    body = envelope(b"ConfigMap", name + field(2, field(1, b"a") + field(2, "한".encode())) + field(3, field(1, b"b")))
    assert decode_protobuf(body) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "n", "labels": {"k": "v"}},
        "data": {"a": "한"},
        "binaryData": {"b": ""},
    }


def test_unknown_kinds_and_fields_are_refused_with_advice() -> None:
    for body in (envelope(b"Pod", b""), envelope(b"ConfigMap", field(9, b"x"))):
        with pytest.raises(ApiError, match="send JSON or YAML") as caught:
            decode_protobuf(body)
        assert caught.value.code == 415


@given(
    st.sampled_from([b"ConfigMap", b"Deployment", b"ResourceQuota", b"Service", b"DeleteOptions"]),
    st.binary(max_size=40),
)
def test_any_bytes_are_read_or_refused(kind: bytes, raw: bytes) -> None:
    for body in (raw, b"k8s\x00" + raw, envelope(kind, raw)):
        codes = []
        try:
            decode_protobuf(body)
        except ApiError as error:
            codes.append(error.code)
        assert codes in ([], [400], [415])
