"""A build's own folder, and the end of those that killed builds have left."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from builder.sandbox.disk import remove_folder

_PREFIX: Final = "blue-faas-build-"
_UNFINISHED: Final = "new-"


@contextlib.contextmanager
def work_folder(parent: Path) -> Iterator[Path]:
    """Make a folder in ``parent`` that is removed afterwards, whatever the build has put there.

    Others may pass through to the one folder in it that is theirs, and list nothing. It is locked as long as this
    process lives: folders that nobody locks are removed first.
    """
    _remove_abandoned(parent)
    made = Path(tempfile.mkdtemp(prefix=_UNFINISHED + _PREFIX, dir=parent))
    lock = os.open(made, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Under a name that others look at only when it is locked.
        folder = made.rename(parent / made.name.removeprefix(_UNFINISHED))
        try:
            folder.chmod(0o711)
            yield folder
        finally:
            remove_folder(folder)
    finally:
        os.close(lock)


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    remove_folder(folder)
            finally:
                os.close(lock)
