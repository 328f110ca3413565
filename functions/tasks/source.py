"""Is this upload something that can be built? Checked before anything is stored."""

import io

from functions.contracts import archive
from functions.contracts.archive_names import UnusableArchiveError
from functions.contracts.names import check_file_name


class UnusableSourceError(Exception):
    """The upload cannot be built; the text says why."""


class UploadTooLargeError(Exception):
    """The file is over the limit; the text says which."""


def check_size(size: int, most_bytes: int) -> None:
    """Refuse an upload of more than ``most_bytes``.

    Raises
    ------
    UploadTooLargeError
        ``size`` is over the limit.
    """
    if size > most_bytes:
        raise UploadTooLargeError(f"size is over the limit of {most_bytes:,} bytes")


def check_source(file_name: str, content: bytes) -> None:
    """Refuse what the builder could only refuse later.

    An archive is judged by its directory; what its entries hold is judged in the builder, which unpacks them under
    limits.

    Raises
    ------
    UnusableSourceError
        The name is not usable, the file is empty, it is neither a .py nor a .zip, or the .zip cannot be unpacked.
    """
    try:
        check_file_name(file_name)
    except ValueError as error:
        raise UnusableSourceError(f"file '{file_name[:80]}': {error}") from None
    if not content:
        raise UnusableSourceError(f"file '{file_name}' is empty")
    if file_name.lower().endswith(".zip"):
        try:
            with archive.checked(io.BytesIO(content)) as (_, entries):
                if not entries:
                    raise UnusableSourceError(f"file '{file_name}' is a ZIP archive without entries")
        except UnusableArchiveError as error:
            raise UnusableSourceError(f"file '{file_name}': {error}") from None
