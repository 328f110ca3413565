"""The one body that kubectl sends in no other form than protobuf and that people need: ``kubectl create namespace``.

Whatever else comes so is refused with the way around it. Envelope and field numbers: `generated.proto` of k8s.io/api
and k8s.io/apimachinery; wire format: <https://protobuf.dev/programming-guides/encoding/>.
"""

from __future__ import annotations

from typing import Any

from local.kubernetes.api.errors import ApiError, bad_request

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_VARINT, _BYTES = 0, 2


def decode_protobuf(raw: bytes) -> dict[str, Any]:
    """Read a Namespace with a name and nothing else. Raises ApiError 400 when malformed, 415 when it is anything else.

    Its spec and status are not looked at: the server sets them.
    """
    if not raw.startswith(_MAGIC):
        raise bad_request("the protobuf body does not begin with the bytes k8s\\x00")
    try:
        envelope = _fields(raw[len(_MAGIC) :])
        kind = _fields(envelope.get(1, b"")).get(2, b"").decode()
        metadata = _fields(_fields(envelope.get(2, b"")).get(1, b"")) if kind == "Namespace" else {}
        name = metadata.pop(1, b"").decode()
    except (IndexError, ValueError) as error:
        raise bad_request(f"the protobuf body cannot be read: {error}") from error
    if kind != "Namespace" or any(metadata.values()):
        raise ApiError(
            415,
            "UnsupportedMediaType",
            f'this server reads no "{kind}" in protobuf form but a Namespace with its name: send JSON or YAML (with '
            "kubectl: write the object to a file, for example by --dry-run=client -o yaml, and apply it)",
        )
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}


def _fields(raw: bytes) -> dict[int, bytes]:
    """Return the last value of each field; numbers as their bytes, empty for 0."""
    found: dict[int, bytes] = {}
    position = 0
    while position < len(raw):
        tag, position = _varint(raw, position)
        value, position = _varint(raw, position)
        if tag & 7 == _BYTES:
            if position + value > len(raw):
                raise ValueError("a field is cut off")
            found[tag >> 3] = raw[position : position + value]
            position += value
        elif tag & 7 == _VARINT:
            found[tag >> 3] = value.to_bytes(8).lstrip(b"\0")
        else:
            raise ValueError(f"wire type {tag & 7} is not known")
    return found


def _varint(raw: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 63, 7):
        byte = raw[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a number is longer than 63 bits")
