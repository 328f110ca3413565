"""The builder image from its own Dockerfile: buildah runs the steps in a chroot, on a base that debootstrap made.

Two things differ from a docker build. The base is Debian's Python 3.11 on the same Debian release, slimmed as docker's
is, in place of the official image; it stands in for ``ARG BASE``. The Spin CLI, the one download that is neither
Debian's nor PyPI's, is `local.spin_cli`: ``fetch_spin.py`` is replaced.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from conformance import debian
from infra.asset_types import DOCKERFILE
from infra.tools.image_context import image_context
from local.cloud.places import SPIN_ENVIRONMENT, shared_root
from local.spin_cli.wrapper import install_wrapper

COMMANDS: Final = ("buildah", "debootstrap")
_BASE_PACKAGES: Final = ("python3.11", "python3.11-venv", "python3-pip")
_NOT_IN_SLIM: Final = (
    "var/cache/apt",
    "var/lib/apt/lists",
    *(f"usr/share/{n}" for n in ("doc", "info", "locale", "man")),
)
_PATH: Final = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
_STORE: Final = debian.FOLDER / "buildah"
_SPIN: Final = Path("/opt/spin-stand-in")
MIRRORS: Final = _SPIN / "mirrors.json"
"""In the image: where the stand-in finds the registries that it is told to push to."""


class BuildahError(Exception):
    """A buildah command failed; the text ends with its last lines."""


class Image:
    """The image, as a folder that can be run: ``root``. Use as a context manager: what runs leave is thrown away."""

    def __enter__(self) -> "Image":
        base = self._base()
        self.base_release = debian.release(base)
        with tempfile.TemporaryDirectory(prefix="context-", dir=_STORE) as context:
            _fill(Path(context))
            self.log = _buildah(
                *("bud", "--isolation", "chroot", "--layers=false", "--force-rm", "--build-arg", "BASE=localhost/base"),
                *("--file", f"{context}/{DOCKERFILE}", "--tag", "builder", context),
            )
        self._container = _buildah("from", "localhost/builder").strip()
        self.root = Path(_buildah("mount", self._container).strip())
        self.megabytes = _megabytes(self.root)
        self.megabytes_of_ours = _megabytes(self.root / "opt")
        shutil.copytree(shared_root() / SPIN_ENVIRONMENT, self.root / _SPIN.relative_to("/"), symlinks=True)
        return self

    def __exit__(self, *_: object) -> None:
        _buildah("rm", "--all")

    @property
    def steps(self) -> int:
        """How many steps of the Dockerfile were run."""
        return self.log.count("STEP ")

    def _base(self) -> Path:
        """Import the base as ``localhost/base``; answers the folder it is from."""
        folder = debian.system("bookworm", _BASE_PACKAGES)
        for name in _NOT_IN_SLIM:
            shutil.rmtree(folder / name, ignore_errors=True)
        for name, target in (("python", "python3.11"), ("pip", "pip3")):
            link = folder / "usr" / "local" / "bin" / name
            link.unlink(missing_ok=True)
            link.symlink_to(f"/usr/bin/{target}")
        _STORE.mkdir(parents=True, exist_ok=True)
        _buildah("rm", "--all")
        container = _buildah("from", "scratch").strip()
        _buildah("copy", "--quiet", container, str(folder), "/")
        _buildah("config", "--env", f"PATH={_PATH}", "--env", "LANG=C.UTF-8", container)
        _buildah("commit", "--quiet", "--rm", container, "localhost/base")
        return folder


def _fill(context: Path) -> None:
    """Copy what docker would get, with the download replaced."""
    shutil.copytree(image_context(), context, dirs_exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        script = install_wrapper(folder, _SPIN / "bin" / "python", _SPIN / "code", MIRRORS).read_text()
    program = f"import os, sys\nopen(sys.argv[3], 'w').write({script!r})\nos.chmod(sys.argv[3], 0o755)\n"
    (context / "builder_image" / "fetch_spin.py").write_text(program)


def buildah_version() -> str:
    """Such as ``buildah version 1.28.2``."""
    return _buildah("--version").partition(" (")[0].strip()


def _buildah(*arguments: str) -> str:
    """Return the standard output of a command.

    Raises
    ------
    BuildahError
        It failed.
    """
    command = ["buildah", "--root", str(_STORE / "storage"), "--runroot", str(_STORE / "run"), *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        lines = "\n".join([*run.stdout.splitlines()[-20:], *run.stderr.splitlines()[-20:]])
        raise BuildahError(f"buildah {arguments[0]} failed:\n{lines}")
    return run.stdout


def _megabytes(folder: Path) -> int:
    """Size on disk, as ``du`` counts it."""
    run = subprocess.run(["du", "-xsm", str(folder)], capture_output=True, text=True, check=True)
    return int(run.stdout.split()[0])
