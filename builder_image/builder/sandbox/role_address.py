"""Keep the address of the build role's credentials from the code of a build.

A container gets its role's credentials from 169.254.170.2, at a path that is a secret: a variable of the builder's own
environment, which other users cannot read. CodeBuild also writes its environment to /codebuild/output/tmp/env.sh
(https://github.com/peass-ng/PEASS-ng, linPEAS, "AWS Codebuild"), in a mode that it documents nowhere.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NoReturn

from builder.sandbox.users import SandboxUser

_CODEBUILD: Final = Path("/codebuild")
_SECRETS: Final = (
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
)
_OF_THE_IMAGE: Final = ("/usr", "/opt", "/proc", "/sys")
"""Made before there was a container, or no files."""
_MOST_BYTES: Final = 4 * 1024 * 1024


class ExposedError(Exception):
    """Code of a build could learn where the role's credentials are: nothing of it may run."""


def close(
    environment: Mapping[str, str],
    first_user: str,
    lock_dir: Path,
    codebuild: Path = _CODEBUILD,
    root: Path = Path("/"),
) -> None:
    """Close CodeBuild's folder to other users, then look, as a step's user, for a way that is still open.

    Parameters
    ----------
    environment
        The builder's own; without a container's credentials in it there is nothing to look for.
    first_user, lock_dir
        See `SandboxUser.take`.
    codebuild, root
        Where CodeBuild keeps its files, and below what is searched.

    Raises
    ------
    ExposedError
        The folder cannot be closed, or a file or process that a step's user may read tells the address.
    """
    secrets = [value.encode() for name in _SECRETS if (value := environment.get(name))]
    if not secrets and not codebuild.exists():
        return
    user = SandboxUser.take(first_user, lock_dir)
    try:
        if user.uid is None:
            raise ExposedError("the builder must run as root to keep the build role's credentials from a build")
        if codebuild.exists():
            _close_folder(codebuild)
        if secrets and (path := _found_by(user.uid, secrets, root)):
            raise ExposedError(f"every user can read the address of the build role's credentials in {path}")
    finally:
        user.release()


def _close_folder(folder: Path) -> None:
    # Not removed: CodeBuild reads and writes these files around each command of the buildspec, as root.
    try:
        folder.chmod(0o700)
        status = folder.stat()
    except OSError as error:
        raise ExposedError(f"{folder} cannot be closed to other users ({error.strerror})") from None
    if status.st_uid != 0 or stat.S_IMODE(status.st_mode) != 0o700:
        raise ExposedError(f"{folder} stays open to other users")


def _found_by(uid: int, secrets: list[bytes], root: Path) -> str:
    """Path of what ``uid`` can read with a secret in it; nothing when there is none."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(readable)
        _search(uid, secrets, root, writable)
    os.close(writable)
    with os.fdopen(readable, "rb") as answer:
        found = answer.read().decode(errors="replace")
    if os.waitpid(child, 0)[1] != 0:
        raise ExposedError("the search for the address of the build role's credentials did not end well")
    return found


def _search(uid: int, secrets: list[bytes], root: Path, answer: int) -> NoReturn:
    status = 1
    try:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        for path in _readable(root):
            if any(secret in _content(path) for secret in secrets):
                os.write(answer, path.encode(errors="replace"))
                break
        status = 0
    finally:
        os._exit(status)


def _readable(root: Path) -> Iterator[str]:
    # Not this process: it may read what it inherited, and is gone before a step begins.
    own = str(os.getpid())
    for pid in (name for name in os.listdir("/proc") if name.isdecimal() and name != own):  # noqa: PTH208
        yield from (f"/proc/{pid}/environ", f"/proc/{pid}/cmdline")
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in _OF_THE_IMAGE]  # noqa: PTH118
        paths = (os.path.join(folder, name) for name in files)  # noqa: PTH118 - these for tens of thousands of files
        yield from filter(_is_regular, paths)


def _is_regular(path: str) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def _content(path: str) -> bytes:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return os.read(file, _MOST_BYTES)
    except OSError:
        return b""
    finally:
        os.close(file)
