"""Debian systems in folders, made by debootstrap from Debian's own archive."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from local.cloud.places import BUILD

FOLDER = BUILD / "conformance"
"""What is made once and used by later runs."""


def missing(*commands: str) -> str | None:
    """One sentence saying what keeps these commands from being run as root; None when nothing does."""
    if os.geteuid() != 0:
        return "this part needs root (debootstrap, chroot)"
    if absent := [command for command in commands if shutil.which(command) is None]:
        return f"{', '.join(absent)} not installed (Debian: apt-get install {' '.join(absent)})"
    return None


def system(suite: str, packages: Sequence[str]) -> Path:
    """Folder with a minimal Debian ``suite`` and ``packages``; made when there is none.

    It trusts the certificates and the package index that this machine trusts.

    Raises
    ------
    subprocess.CalledProcessError
        debootstrap failed; its output is on standard error.
    """
    folder = FOLDER / suite
    mark = folder.with_suffix(".made-from")
    wanted = " ".join(sorted(packages))
    if not mark.exists() or mark.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        include = f"--include={','.join(sorted({'ca-certificates', *packages}))}"
        subprocess.run(
            ["debootstrap", "--variant=minbase", include, suite, str(folder)], check=True, stdout=subprocess.DEVNULL
        )
        mark.write_text(wanted)
    certificates = Path("etc/ssl/certs/ca-certificates.crt")
    if Path("/", certificates).exists():
        shutil.copyfile(Path("/", certificates), folder / certificates)
    (folder / "etc" / "pip.conf").write_text(_pip_settings())
    shutil.copyfile("/etc/resolv.conf", folder / "etc" / "resolv.conf")
    return folder


def release(folder: Path) -> str:
    """Such as ``Debian 12.11``."""
    return f"Debian {(folder / 'etc' / 'debian_version').read_text().strip()}"


def _pip_settings() -> str:
    settings = {name: os.environ.get(f"PIP_{name.upper().replace('-', '_')}") for name in ("index-url", "no-index")}
    return "[global]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items() if value)
