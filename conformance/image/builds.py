"""Builds of a one-machine cloud whose builder runs in the image, on CodeBuild's default host.

The cloud's CodeBuild runs the project's buildspec. The command in it, ``blue-faas-build``, is replaced by one that
enters the image as `conformance.image.host` has it and leaves behind what CodeBuild leaves.
"""

import io
import json
import shlex
import sys
import time
import zipfile
from typing import Any, Final

import httpx

from conformance.image.image import MIRRORS, Image
from local.cloud.places import ROOT
from local.cloud.supervisor import Cloud

URI: Final = "/v2/credentials/8d1f6c52-0e0b-4e43-9f0a-3c2b7a5d9e40"
"""What stands for the path of the build role's credentials."""
_MACHINES_OWN: Final = ("TOOLCHAIN", "MYPY_CACHE", "BUILD_USER", "WORK_DIR")
_WORKSPACE: Final = "conformance"
_GIVE_UP_SECONDS: Final = 600
_MANIFEST: Final = """\
spin_manifest_version = 2
[application]
name = "look-around"
version = "0.1.0"
[[trigger.http]]
route = "/..."
component = "look-around"
[component.look-around]
source = "app.wasm"
[component.look-around.build]
command = "sh look.sh"
"""
_LOOK: Final = """\
id -u
cat /codebuild/output/tmp/env.sh
cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\000' '\\n'
grep -rs credentials/ /codebuild /etc /root /run /tmp /var
python3 -c "
import socket
for family in (socket.AF_INET, socket.AF_INET6):
    try:
        socket.socket(family).connect(('169.254.170.2', 80))
        print('REACHED')
    except OSError as error:
        print(error.strerror)
"
grep -E '^(NoNewPrivs|Seccomp|CapEff)' /proc/self/status
printf '\\000asm\\015\\000\\001\\000' > app.wasm
"""


def enter_image(cloud: Cloud, image: Image) -> None:
    """Have ``cloud`` run its builds in ``image``."""
    registry = cloud.outputs["ImageRepository"].partition("/")[0]
    mirrors = image.root / MIRRORS.relative_to("/")
    mirrors.write_text(json.dumps({registry: cloud.url}))
    mirrors.chmod(0o644)
    codebuild = image.root / "codebuild" / "output" / "tmp"
    host = shlex.join([sys.executable, "-m", "conformance.image.host", "--root", str(image.root)])
    lines = [
        "#!/bin/sh",
        "umask 022",
        "unset TMPDIR " + " ".join(f"BLUE_FAAS_{name}" for name in _MACHINES_OWN),
        "export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        f"export AWS_CONTAINER_CREDENTIALS_RELATIVE_URI={URI}",
        # As open as it can be: how CodeBuild makes it is not known.
        f"rm -rf {image.root}/codebuild && mkdir -p {codebuild} && export -p > {codebuild}/env.sh",
        f"cd {ROOT} && PYTHONPATH={ROOT}/builder_image exec {host} blue-faas-build",
    ]
    command = cloud.state / "bin" / "blue-faas-build"
    command.write_text("\n".join([*lines, ""]))
    command.chmod(0o755)


def look_around(cloud: Cloud) -> tuple[dict[str, Any], str]:
    """Build an app whose build command looks for the role's credentials; answers the ended task and its log."""
    source = io.BytesIO()
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("spin.toml", _MANIFEST)
        archive.writestr("look.sh", _LOOK)
    with httpx.Client(base_url=cloud.url, timeout=60) as http:
        form = {"workspace_id": _WORKSPACE, "app_name": "look-around"}
        answer = http.post("/api/v1/build-and-push", files={"file": ("app.zip", source.getvalue())}, data=form)
        answer.raise_for_status()
        path, query = f"/api/v1/tasks/{answer.json()['task_id']}", {"workspace_id": _WORKSPACE}
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        while (task := http.get(path, params={**query, "wait": "20"}).json())["status"] not in ("done", "failed"):
            if time.monotonic() > deadline:
                break
        lines = http.get(f"{path}/logs", params=query).json()["lines"]
    return task, "\n".join(line["message"] for line in lines)
