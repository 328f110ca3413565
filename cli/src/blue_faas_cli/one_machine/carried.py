"""The one-machine cloud that the wheel carries: set up below the user's data folder, once for each version of it."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from blue_faas_cli.problems import BlueError, Exit
from blue_faas_cli.session import Session

ARCHIVE: Final = Path(__file__).with_name("cloud.zip")
"""The cloud, as `make cli` packs it; a checkout has none."""
_UNPACKED: Final = "unpacked-from"
_LOCK: Final = "local/requirements.txt"
_ENVIRONMENT: Final = ".venv"
_PYTHON: Final = f"{_ENVIRONMENT}/bin/python"
_MADE: Final = f"{_ENVIRONMENT}/made-from"
_BASE: Final[str] = sys._base_executable  # type: ignore[attr-defined]  # not this tool's own environment
_UV: Final = re.compile(r"^uv==.*?[^\\]$", re.MULTILINE | re.DOTALL)
_NOT_THEIRS: Final = ("PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "KUBECONFIG")
"""Variables that the cloud does not take over: its processes compile what they import once for all, and the cluster of
a machine that has a kubeconfig is not what was asked for."""

Say = Callable[[str], None]


def folder() -> Path:
    """Return the folder that the cloud is set up in."""
    import platformdirs

    return platformdirs.user_data_path("blue-faas", appauthor=False) / "one-machine"


def command(session: Session, port: int, state: Path | None, *, no_cluster: bool) -> list[str]:
    """Return what starts the cloud, which is set up before where it is not.

    Raises
    ------
    BlueError
        It cannot be set up.
    """
    root = folder()
    python = set_up(root, session.output.say)
    variables = [f"PYTHONPATH={root}", "PYTHONSAFEPATH=1"]
    options = ["--port", str(port)]
    if state is not None:
        options += ["--state-dir", str(state.resolve())]
    if no_cluster:
        options.append("--no-cluster")
    if session.flags.authorizer:
        options += ["--authorizer", session.flags.authorizer]
    without = [word for name in _NOT_THEIRS for word in ("-u", name)]
    return [shutil.which("env") or "/usr/bin/env", *without, *variables, str(python), "-m", "local", *options]


def set_up(root: Path, say: Say) -> Path:
    """Unpack the cloud and install its packages, where this was not done before; return its interpreter.

    Nothing of it changes for as long as this process lasts, and the one that it becomes.

    Raises
    ------
    BlueError
        The folder cannot be written, another `blue up` uses it as it was, or the packages are not to be had.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        held = os.open(root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        os.set_inheritable(held, True)
        _lock(held, fcntl.LOCK_SH, root)
        if not (_is_unpacked(root) and _has_environment(root)):
            _lock(held, fcntl.LOCK_EX, root)
            _unpack(root)
            _make_environment(root, say)
            _lock(held, fcntl.LOCK_SH, root)
    except OSError as error:
        raise BlueError(f"{error.filename or root}: {error.strerror}", Exit.USAGE) from None
    return root / _PYTHON


def _lock(file: int, kind: int, root: Path) -> None:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BlueError(
            f"Another `blue up` runs the one-machine cloud in {root}, in another version, or sets it up there; wait "
            "for it, or stop it",
            Exit.USAGE,
        ) from None


def _is_unpacked(root: Path) -> bool:
    return _says(root / _UNPACKED, _digest(ARCHIVE))


def _unpack(root: Path) -> None:
    """Put the wheel's files in the place of those of another version; what was made from them stays."""
    if _is_unpacked(root):
        return
    (root / _UNPACKED).unlink(missing_ok=True)
    with zipfile.ZipFile(ARCHIVE) as archive:
        for top in {PurePosixPath(name).parts[0] for name in archive.namelist()}:
            _remove(root / top)
        archive.extractall(root)
    (root / _UNPACKED).write_text(_digest(ARCHIVE))


def _has_environment(root: Path) -> bool:
    return (root / _PYTHON).exists() and _says(root / _MADE, _digest(root / _LOCK, _BASE))


def _make_environment(root: Path, say: Say) -> None:
    """Make an environment with exactly the packages of the cloud's lock."""
    if _has_environment(root):
        return
    say(f"Setting up the one-machine cloud in {root}, once: about 110 MB of packages are fetched, 550 MB on disk")
    lock, python = root / _LOCK, str(root / _PYTHON)
    _remove(root / _ENVIRONMENT)
    _run("python -m venv", [_BASE, "-m", "venv", str(root / _ENVIRONMENT)])
    # uv installs the rest in a tenth of pip's time, and installs what builds ask for, too.
    first = root / "uv.txt"
    first.write_text("\n".join(_UV.findall(lock.read_text("utf-8"))) + "\n", "utf-8")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    _run("pip", [*pip, "install", "--quiet", "--require-hashes", "-r", str(first)])
    uv = [str(root / _ENVIRONMENT / "bin" / "uv"), "pip", "install", "--quiet", "--python", python]
    _run("uv", [*uv, "--require-hashes", "-r", str(lock)])
    (root / _MADE).write_text(_digest(lock, _BASE))


def _run(tool: str, command: Sequence[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        tail = "\n".join(f"  {line}" for line in (done.stderr or done.stdout).strip().splitlines()[-5:])
        raise BlueError(
            f"The one-machine cloud could not be set up; {tool} says:\n{tail}\n"
            "Run `blue up` again when this is mended.",
            Exit.NO_ANSWER,
        )


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _says(mark: Path, text: str) -> bool:
    return mark.is_file() and mark.read_text() == text


def _digest(file: Path, text: str = "") -> str:
    return hashlib.sha256(text.encode() + b"\0" + file.read_bytes()).hexdigest()
