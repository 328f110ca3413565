"""Download the pinned Spin CLI, refuse it when its checksum differs, unpack its one program. Used by the Dockerfile.

    python fetch_spin.py spin.json PLATFORM TARGET

PLATFORM is Docker's TARGETARCH (amd64, arm64). The checksums in spin.json are those that nixpkgs recorded for the
release's archives (pkgs/by-name/fe/fermyon-spin/package.nix).
"""

import hashlib
import io
import json
import sys
import tarfile
import urllib.request
from pathlib import Path
from typing import Final

_PLATFORMS: Final = {"amd64": "linux-amd64", "arm64": "linux-aarch64"}
_SECONDS: Final = 60


def fetch(pins: Path, architecture: str, target: Path) -> None:
    """Write the program to ``target``; ends the process with a sentence when that cannot be done safely."""
    pin = json.loads(pins.read_text("utf-8"))
    platform = _PLATFORMS.get(architecture, architecture)
    expected = pin["sha256"].get(platform)
    if not expected:
        sys.exit(f"{pins} has no sha256 for {platform}: pin it there first")
    url = pin["url"].format(version=pin["version"], platform=platform)
    with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - the URL is pinned in this repository
        archive = answer.read()
    found = hashlib.sha256(archive).hexdigest()
    if found != expected:
        sys.exit(f"{url} has sha256 {found}, but {pins} pins {expected}: do not use it before you know why")
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        program = opened.extractfile("spin")
        if program is None:
            sys.exit(f"{url} holds no file named spin")
        target.write_bytes(program.read())
    target.chmod(0o755)


if __name__ == "__main__":
    fetch(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
