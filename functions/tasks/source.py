"""Is this upload something that can be built? Checked before anything is stored."""

import io
import zipfile

from functions.contracts.names import check_file_name


class UnusableSourceError(Exception):
    """The upload cannot be built; the text says why."""


def check_source(file_name: str, content: bytes) -> None:
    """Refuse what the builder could only refuse later.

    An archive's entries are judged in the builder, which unpacks them under limits; here it only has to be one.

    Raises
    ------
    UnusableSourceError
        No usable name, empty, neither .py nor .zip, a .zip that is none.
    """
    try:
        check_file_name(file_name)
    except ValueError as error:
        raise UnusableSourceError(f"file '{file_name[:80]}': {error}") from None
    if not content:
        raise UnusableSourceError(f"file '{file_name}' is empty")
    if file_name.lower().endswith(".zip"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                if not archive.infolist():
                    raise UnusableSourceError(f"file '{file_name}' is a ZIP archive without entries")
        except UnicodeDecodeError:
            raise UnusableSourceError(f"file '{file_name}' has an entry whose name is not UTF-8") from None
        except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, ValueError, OverflowError):
            raise UnusableSourceError(f"file '{file_name}' is not a ZIP archive") from None
