"""Checks of the machine that deploys: Node.js, the CDK's command line, docker for the builder image."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Final

from infra.preflight.findings import Finding, ok, problem
from infra.tools.build_folder import ROOT

_OLDEST_NODE: Final = 20
_SECONDS: Final = 30


def node() -> Iterator[Finding]:
    """Check Node.js, and the CDK that package-lock.json pins."""
    said = _output("node", "--version")
    version = re.match(r"v(\d+)\.", said or "")
    if version is None or int(version[1]) < _OLDEST_NODE:
        yield problem("Node.js", said or "not found", f"Install Node.js {_OLDEST_NODE} or newer.")
    else:
        yield ok("Node.js", said or "")
    if (ROOT / "node_modules" / ".bin" / "cdk").exists():
        yield ok("CDK", "installed")
    else:
        yield problem("CDK", "not installed", "Run npm ci.")


def docker() -> Iterator[Finding]:
    """Check the daemon that builds the builder image. CDK_DOCKER can name another command than docker."""
    command = os.environ.get("CDK_DOCKER", "docker")
    version = _output(command, "info", "--format", "{{.ServerVersion}} on {{.OSType}}/{{.Architecture}}")
    if version is None:
        remedy = "Install and start docker, or name another builder in CDK_DOCKER: the builder image is made with it."
        yield problem(command, "not found, or its daemon does not answer", remedy)
    elif "x86_64" in version or "amd64" in version:
        yield ok(command, version)
    else:
        remedy = "The builder image is for linux/amd64: docker needs its emulation (binfmt, QEMU) to build it here."
        yield problem(command, version, remedy)


def _output(*command: str) -> str | None:
    """Return the output of a command; None if it is missing or fails."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
