"""A function's code is laid out once, for all of its workers, as the read-only /var/task of Lambda is.

ministack unpacks it for each worker anew. All that the function imports of its own is compiled anew then, too: Python
keeps bytecode beside the source, and each worker's source was in a folder of its own.
"""

import hashlib
import shutil
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import Any, Final

from ministack.core import lambda_runtime as runtime
from typing_extensions import override

_ARCHIVE: Final = "code.zip"
_lock: Final = threading.Lock()


def install(folder: Path) -> None:
    """Replace how ministack unpacks code; ``folder`` is emptied when the process starts."""
    runtime.zipfile = _Zipfile(folder)


class _Zipfile:
    """The module ``zipfile`` as ministack sees it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __getattr__(self, name: str) -> Any:
        return getattr(zipfile, name)

    def ZipFile(self, file: str) -> zipfile.ZipFile:  # noqa: N802 - its name there
        """Open an archive."""
        if Path(file).name != _ARCHIVE:  # a layer's
            return zipfile.ZipFile(file)
        return _Code(Path(file), self._folder)


class _Code(zipfile.ZipFile):
    """A function's archive, unpacked into a folder that is named after its content."""

    def __init__(self, file: Path, folder: Path) -> None:
        super().__init__(file)
        self._unpacked = folder / f"code-{hashlib.sha256(file.read_bytes()).hexdigest()}"

    @override
    def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
        """Put a link to the folder in place of ``path``, which is empty."""
        with _lock:
            if not self._unpacked.exists():
                scratch = tempfile.mkdtemp(dir=self._unpacked.parent)
                super().extractall(scratch, members, pwd)
                shutil.move(scratch, self._unpacked)
        Path(path).rmdir()
        Path(path).symlink_to(self._unpacked)
