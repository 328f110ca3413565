"""Names that callers choose, and the rules they follow. Checked once, where a request or an event comes in."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

from functions.contracts.image_reference import MAX_REPOSITORY, check_repository

MAX_NAME: Final = 63
"""Characters of a workspace id or app name: what a Kubernetes label value and a DNS label hold."""

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")

MAX_FILE_NAME: Final = 200
"""Bytes of an uploaded file's name: with its folder it stays far below S3's 1,024 bytes of key."""


def _check_name(value: str) -> str:
    if ".." in value or not _NAME.fullmatch(value):
        raise ValueError("use letters, digits, '-', '_' and '.', starting and ending with a letter or digit, no '..'")
    return value


def check_file_name(value: str) -> str:
    """Return the file name if it can be the last part of an S3 key and the name of a file in a build.

    Raises
    ------
    ValueError
        Says what about the name is wrong.
    """
    if not value or value in {".", ".."}:
        raise ValueError("the file has no name")
    if "/" in value or "\\" in value:
        raise ValueError("the file name must not contain '/' or '\\'")
    if not value.isprintable():
        raise ValueError("the file name must not contain control characters")
    if len(value.encode()) > MAX_FILE_NAME:
        raise ValueError(f"the file name is longer than {MAX_FILE_NAME} bytes")
    stem, _, extension = value.rpartition(".")
    if not stem or extension.lower() not in {"py", "zip"}:
        raise ValueError("only .py and .zip files can be built")
    return value


DEPLOYED_TAG: Final = "deployed-"
"""How tags begin that mark images of the stack's own repository as deployed: its lifecycle rules leave those alone."""

_Short = StringConstraints(min_length=1, max_length=MAX_NAME)
WorkspaceId = Annotated[str, _Short, AfterValidator(_check_name)]
SourceAppName = Annotated[str, _Short, AfterValidator(_check_name)]
"""An app as its uploader names it. What may run in a cluster is named more narrowly:
`functions.models.deploy.KubernetesAppName`."""
ImageRepository = Annotated[str, StringConstraints(max_length=MAX_REPOSITORY), AfterValidator(check_repository)]
