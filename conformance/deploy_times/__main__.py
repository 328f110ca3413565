"""``python -m conformance.deploy_times``: time deploys, write table and picture into docs/conformance.md."""

import json
import os
import shutil
import subprocess
import sys

from bench.page import machine, today
from conformance.control_plane.cloud import build, running_cloud
from conformance.control_plane.plane import ALL
from conformance.control_plane.preparation import prepared
from conformance.control_plane.programs import find
from conformance.control_plane.waiting import StepFailedError
from conformance.deploy_times.times import measure, record
from conformance.go_programs import MissingError
from conformance.report import NOT_RUN
from local.cloud.processes import PartFailedError


def main() -> int:
    """Run the part; returns its exit status."""
    if shutil.which("kubectl") is None:
        print("Missing: kubectl on PATH (https://kubernetes.io/docs/tasks/tools)", file=sys.stderr)
        return NOT_RUN
    try:
        programs = find(os.environ)
    except MissingError as missing:
        print(missing, file=sys.stderr)
        return NOT_RUN
    version = json.loads(subprocess.check_output(["kubectl", "version", "--client", "--output=json"]))
    kubectl, load = version["clientVersion"]["gitVersion"], os.getloadavg()[0]
    try:
        with prepared(programs, ALL) as (plane, api, _), running_cloud(plane, api) as http:
            times = measure(http, api, plane.kubeconfig("deployer"), build(http, "deployed", "Hello"))
    except (PartFailedError, StepFailedError) as failed:
        print(failed, file=sys.stderr)
        return 1
    for name, series in times.items():
        print(f"{name}: {series} s until the app is ready")
    record(times, f"{today()}, {machine()}, kubectl {kubectl}. Load when it began: {load:.1f}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
