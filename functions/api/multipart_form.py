"""Read a multipart/form-data body into fields, as the HTTP clients of the world write it (RFC 7578).

The `multipart` library finds the parts and bounds their number and headers. `functions.api.media_type` reads
the headers of each part.
"""

from collections.abc import Mapping
from typing import Final

from aws_lambda_powertools.event_handler.openapi.params import UploadFile
from multipart import MultipartError, MultipartSegment, ParserError, ParserLimitReached, PushMultipartParser

from functions.api.media_type import ParameterizedHeader, parse_header

MOST_PARTS: Final = 64
"""Parts of one form; the API's largest form has a tenth of that."""
_LONGEST_HEADER: Final = 8192
_MOST_HEADERS: Final = 16
# The only escapes that browsers, and curl since 7.81, write in names and file names (WHATWG HTML, "multipart/form-data
# encoding algorithm"). Any other "%" stands for itself.
_ESCAPES: Final = {"%22": '"', "%0D": "\r", "%0A": "\n"}

Field = str | UploadFile


class UnreadableFormError(Exception):
    """The body is not a form that can be read; the text says where and why."""


class _Parser(PushMultipartParser):  # type: ignore[misc]  # the library has no annotations that mypy may use
    """The library's parser, with headers kept as bytes: clients write file names in UTF-8, and in CP949 in Korea."""

    def __init__(self, boundary: str) -> None:
        super().__init__(
            boundary,
            max_header_size=_LONGEST_HEADER,
            max_header_count=_MOST_HEADERS,
            max_segment_count=MOST_PARTS,
            header_charset="latin-1",
        )

    def _create_segment(self, headerlist: list[tuple[str, str]]) -> MultipartSegment:
        # Of one header with two values, the library and others would believe different ones.
        names = [name for name, _ in headerlist]
        if len(set(names)) != len(names):
            raise ParserError("A part has a header twice")
        return super()._create_segment(headerlist)


def read_form(body: bytes, boundary: str) -> Mapping[str, list[Field]]:
    """Read every field with all of its values, in the order of the body.

    Parameters
    ----------
    body
        The request's body.
    boundary
        Parameter ``boundary`` of its Content-Type.

    Raises
    ------
    UnreadableFormError
        No multipart body, cut off, over a limit, or a field that is not UTF-8 text.
    """
    fields: dict[str, list[Field]] = {}
    try:
        with _Parser(boundary) as parser:
            header: ParameterizedHeader | None = None
            content_type: str | None = None
            content = bytearray()
            for event in parser.parse(body):
                if isinstance(event, MultipartSegment):
                    header, content_type = _disposition(event), event.header("Content-Type")
                    content = bytearray()
                elif event is not None:
                    content += event
                elif header is not None:
                    name, value = _field(header, content_type, bytes(content))
                    fields.setdefault(name, []).append(value)
    except ParserLimitReached:
        raise UnreadableFormError(
            f"The form has more than {MOST_PARTS} parts, or a part with more than {_MOST_HEADERS} headers or a header "
            f"over {_LONGEST_HEADER:,} bytes"
        ) from None
    except MultipartError as error:
        # The library's texts name a place, never content.
        raise UnreadableFormError(f"The multipart/form-data body cannot be read: {error.args[0]}") from None
    return fields


def _disposition(segment: MultipartSegment) -> ParameterizedHeader:
    raw = segment.header("Content-Disposition", "").encode("latin-1")
    for charset in ("utf-8", "cp949"):
        try:
            return parse_header(raw.decode(charset))
        except UnicodeDecodeError:
            continue
    raise UnreadableFormError(f"The name of a field or file is not UTF-8: {ascii(raw)[2:-1][:120]}")


def _field(header: ParameterizedHeader, content_type: str | None, content: bytes) -> tuple[str, Field]:
    try:
        name, file_name = header.parameter("name"), header.parameter("filename")
    except ValueError as error:
        raise UnreadableFormError(f"A part's Content-Disposition cannot be read: {error}") from None
    if not name:
        raise UnreadableFormError("A part of the form has no name in its Content-Disposition")
    name = _unescaped(name)
    if file_name is not None:
        return name, UploadFile(content=content, filename=_unescaped(file_name), content_type=content_type)
    try:
        return name, content.decode()
    except UnicodeDecodeError:
        raise UnreadableFormError(f"The text of field '{name[:64]}' is not UTF-8") from None


def _unescaped(text: str) -> str:
    for escape, character in _ESCAPES.items():
        text = text.replace(escape, character)
    return text
