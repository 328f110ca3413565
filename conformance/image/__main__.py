"""Make the builder image without docker, and build in it as on CodeBuild's default host: `python -m conformance.image`.

Two builds go through a one-machine cloud, from the upload over HTTP to the registry: examples/hello, which is then
deployed and called, and an app that looks for the build role's credentials.
"""

import io
import sys
import time
from collections.abc import Mapping
from subprocess import CalledProcessError
from typing import Final

from rich.console import Console

from conformance import debian
from conformance.image.builds import URI, enter_image, look_around
from conformance.image.image import COMMANDS, BuildahError, Image, buildah_version
from conformance.report import NOT_RUN, record
from local.cloud.demo import Demo, DemoFailedError
from local.cloud.options import CloudOptions
from local.cloud.supervisor import Cloud

MOST_MEGABYTES: Final = 350
"""CodeBuild keeps no image: each build begins with fetching it."""


def main() -> int:
    """Run the part; returns its exit status."""
    if reason := debian.missing(*COMMANDS):
        print(f"Not run: {reason}")
        return NOT_RUN
    problems: list[str] = []
    started = time.monotonic()
    with Image() as image:
        made = time.monotonic() - started
        problems += too_large(image.megabytes)
        with Cloud(CloudOptions(port=0, say=print)) as cloud:
            enter_image(cloud, image)
            output = io.StringIO()
            try:
                Demo(cloud, Console(file=output, width=10_000)).run()
            except DemoFailedError as error:
                problems.append(f"examples/hello: {error}")
            task, log = look_around(cloud)
    hello, found = output.getvalue(), leaks(task, log)
    problems += found
    print(hello, log, *(f"PROBLEM: {problem}" for problem in problems), sep="\n")
    facts = {
        "base": f"{image.base_release} with its Python 3.11, in place of the Dockerfile's `BASE`",
        "made by": f"{buildah_version()}, {image.steps} steps, in {made:.0f} s",
        "size": f"{image.megabytes} MB, {image.megabytes_of_ours} MB of them /opt; the Spin CLI comes on top",
        "`spin`": "`local/spin_cli`",
        "host": "Linux 4.14's system calls, docker's default capabilities and filter, `env.sh` readable",
        "examples/hello": _line(hello, "steps") + "; " + _line(hello, "answer"),
        "found by a build that looks for the role": "; ".join(found) or "nothing",
        "problems": "; ".join(problems) or "none",
    }
    record("image", facts)
    return int(bool(problems))


def too_large(megabytes: int) -> list[str]:
    """Say so when the image has more than it may."""
    return [f"the image has {megabytes} MB, more than {MOST_MEGABYTES}"] if megabytes > MOST_MEGABYTES else []


def leaks(task: Mapping[str, object], log: str) -> list[str]:
    """Say what the looking build found, or that it did not look."""
    problems = []
    if task["status"] != "done" or "CapEff:\t0000000000000000" not in log:
        problems.append(f"the build that looks around did not end well: {task}")
    if URI.rpartition("/")[2] in log:
        problems.append("a build can read the address of the build role's credentials")
    if "REACHED" in log or log.count("Address family not supported by protocol") != 2:
        problems.append("a build can reach the address of the build role's credentials")
    return problems


def _line(output: str, name: str) -> str:
    lines = [line.strip().removeprefix(name).strip() for line in output.splitlines() if line.strip().startswith(name)]
    return lines[0] if lines else "failed"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BuildahError, CalledProcessError) as problem:
        sys.exit(str(problem))
