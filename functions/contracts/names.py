"""Names that callers choose, and the rules they follow. Checked once, where a request or an event comes in."""

from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

from functions.contracts.image_reference import MAX_REPOSITORY, REPOSITORY, check_repository
from functions.contracts.spelling import NameSpelling, published

MAX_NAME: Final = 63
"""Characters of a workspace id or app name: what a Kubernetes label value and a DNS label hold."""

# Between two letters or digits: "-" and "_", and "." that follow none of their own kind.
_NAME: Final = r"[A-Za-z0-9](?:[_-]*(?:\.[_-]+)*\.?[A-Za-z0-9])*"
_NAME_WORDS: Final = (
    "use the letters A-Z and a-z, digits, '-', '_' and '.', starting and ending with a letter or digit, no '..', "
    f"{MAX_NAME} characters at most"
)

MAX_FILE_NAME: Final = 200
"""Bytes of an uploaded file's name: with its folder it stays far below S3's 1,024 bytes of key."""


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

WORKSPACE_ID: Final = NameSpelling(_NAME, MAX_NAME, _NAME_WORDS, "my-workspace")
SOURCE_APP_NAME: Final = NameSpelling(_NAME, MAX_NAME, _NAME_WORDS, "my-function")
WorkspaceId = Annotated[str, WORKSPACE_ID]
SourceAppName = Annotated[str, SOURCE_APP_NAME]
"""An app as its uploader names it. What may run in a cluster is named more narrowly:
`functions.models.deploy.KubernetesAppName`."""
ImageRepository = Annotated[
    str,
    StringConstraints(max_length=MAX_REPOSITORY),
    AfterValidator(check_repository),
    published(REPOSITORY, "registry.example.com/team/app"),
]
FileName = Annotated[
    str,
    # Bytes and characters that cannot be printed are more than a pattern can tell.
    AfterValidator(check_file_name),
    published(r"[^/\\\x00-\x1f\x7f]+\.(?:[Pp][Yy]|[Zz][Ii][Pp])", "app.zip"),
]
