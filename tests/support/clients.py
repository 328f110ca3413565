"""Multipart bodies as the HTTP clients of the world write them, byte by byte."""

from dataclasses import dataclass

BOUNDARY = "XyZ1"


@dataclass(frozen=True)
class Part:
    """One part: its headers as they stand on the wire, and its content."""

    headers: tuple[str, ...]
    content: bytes


def disposition(rest: str) -> str:
    """Write a Content-Disposition header of a form."""
    return f"Content-Disposition: form-data; {rest}"


def body(*parts: Part, charset: str = "utf-8", boundary: str = BOUNDARY) -> bytes:
    """Write a whole body; ``charset`` is that of the headers."""
    written = b""
    for part in parts:
        head = "".join(f"{header}\r\n" for header in part.headers).encode(charset)
        written += b"--" + boundary.encode() + b"\r\n" + head + b"\r\n" + part.content + b"\r\n"
    return written + b"--" + boundary.encode() + b"--\r\n"


WORKSPACE = Part((disposition('name="workspace_id"'),), b"my-workspace")
DOTNET_WORKSPACE = Part(("Content-Type: text/plain; charset=utf-8", disposition("name=workspace_id")), b"my-workspace")


def file_part(rest: str, content: bytes = b"x = 1\n") -> Part:
    """Write the part of a file whose Content-Disposition ends with ``rest``."""
    return Part((disposition(rest), "Content-Type: application/octet-stream"), content)
