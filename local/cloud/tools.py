"""What builds find on this machine: the commands on their PATH, and the files that lead them to the cloud."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from local.cloud.places import MYPY_CACHE, ROOT, SPIN_ENVIRONMENT, TOOLCHAIN, shared_root
from local.spin_cli.wrapper import install_wrapper

_PACKAGE_INDEX_VARIABLES: Final = ("PIP_", "SSL_CERT_", "REQUESTS_CA_BUNDLE")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, from its first byte on."""
    path.touch(mode=0o600)
    path.write_text(text)


def write_mirrors(path: Path, mirrors: Mapping[str, str]) -> Path:
    """Write where registries really are (`local.oci.mirrors`), for everybody to read; returns ``path``."""
    path.write_text(json.dumps(mirrors))
    path.chmod(0o644)
    return path


def install_stand_in(folder: Path, mirrors: Path) -> None:
    """Put the stand-in for ``spin`` into ``folder``."""
    spin = shared_root() / SPIN_ENVIRONMENT
    install_wrapper(folder, spin / "bin" / "python", spin / "code", mirrors)


def install_builder(folder: Path) -> None:
    """Put ``blue-faas-build`` into ``folder``."""
    build = folder / "blue-faas-build"
    path = f"{ROOT / 'builder_image'}:{ROOT}"
    build.write_text(f'#!/bin/sh\nPYTHONPATH="{path}" PYTHONSAFEPATH=1 exec {sys.executable} -m builder "$@"\n')
    build.chmod(0o755)


def build_environment(work: Path) -> dict[str, str]:
    """Return variables of builds that work in ``work``; an index URL among them may hold a password."""
    return {
        "BLUE_FAAS_TOOLCHAIN": str(shared_root() / TOOLCHAIN),
        "BLUE_FAAS_MYPY_CACHE": str(shared_root() / MYPY_CACHE),
        # The users of builds are the machine's, not this cloud's: the builder notes in one place, for every cloud on
        # this machine, which of them are taken.
        "BLUE_FAAS_BUILD_USER": "200000",
        "BLUE_FAAS_WORK_DIR": str(work),
        # Builds install packages from where this machine's pip does.
        **{name: value for name, value in os.environ.items() if name.startswith(_PACKAGE_INDEX_VARIABLES)},
    }
