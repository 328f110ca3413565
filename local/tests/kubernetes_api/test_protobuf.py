"""Protobuf bodies: whatever comes, it is read or refused (that kubectl's are read is in test_kubectl.py)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.kubernetes.api.errors import ApiError
from local.kubernetes.api.protobuf import decode_protobuf


def field(number: int, body: bytes) -> bytes:
    return bytes([number << 3 | 2, len(body)]) + body


def envelope(kind: bytes, raw: bytes) -> bytes:
    return b"k8s\x00" + field(1, field(1, b"v1") + field(2, kind)) + field(2, raw)


def test_a_namespace_is_read() -> None:
    """With what kubectl sends of fields that nobody set: empty texts and messages, a generation of 0."""
    metadata = field(1, "이름".encode()) + field(2, b"") + bytes([7 << 3, 0]) + field(8, b"")
    body = envelope(b"Namespace", field(1, metadata) + field(2, b"") + field(3, field(1, b"")))
    assert decode_protobuf(body) == {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "이름"}}


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (b"Pod", field(1, field(1, b"n"))),
        (b"Namespace", field(1, field(1, b"n") + field(11, field(1, b"k") + field(2, b"v")))),
        (b"Namespace", field(1, field(1, b"n") + bytes([7 << 3, 1]))),
    ],
)
def test_everything_else_is_refused_with_advice(kind: bytes, raw: bytes) -> None:
    with pytest.raises(ApiError, match="send JSON or YAML") as caught:
        decode_protobuf(envelope(kind, raw))
    assert caught.value.code == 415


@given(st.sampled_from([b"Namespace", b"ConfigMap", b"DeleteOptions"]), st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(kind: bytes, raw: bytes) -> None:
    for body in (raw, b"k8s\x00" + raw, envelope(kind, raw)):
        codes = []
        try:
            decode_protobuf(body)
        except ApiError as error:
            codes.append(error.code)
        assert codes in ([], [400], [415])
