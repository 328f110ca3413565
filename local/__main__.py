"""``python -m local``: the one-machine cloud, kept up until Ctrl-C."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from local.aws.assembly import DeployError
from local.cloud.assembly import AUTHORIZERS, TENANCIES, SynthesisError
from local.cloud.options import CloudOptions
from local.cloud.places import state_root
from local.cloud.prepare import PrepareError
from local.cloud.processes import PartFailedError
from local.cloud.supervisor import Cloud
from local.cloud.welcome import welcome
from local.spin_host import local_ports


def main() -> None:
    """Start, print what to do next, wait."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="port of the API on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--builds", type=int, default=2, help="builds that run at the same time")
    parser.add_argument(
        "--state-dir",
        type=Path,
        metavar="DIR",
        help="keep everything in DIR, and take up what an earlier run left there",
    )
    parser.add_argument("--no-cluster", action="store_true", help="builds only, as with kubernetes: null in cdk.json")
    parser.add_argument(
        "--authorizer",
        choices=AUTHORIZERS,
        default=os.environ.get("AUTHORIZER") or "none",
        help="who may call the API (default: AUTHORIZER of the environment, or anybody)",
    )
    parser.add_argument(
        "--tenancy",
        choices=TENANCIES,
        default=os.environ.get("TENANCY") or "open",
        help="whether workspaces are kept apart (default: TENANCY of the environment, or open: they are not)",
    )
    local_ports.add_option(parser)
    given = parser.parse_args()
    if given.authorizer not in AUTHORIZERS:
        parser.error(f"AUTHORIZER is {given.authorizer}; it may be {', '.join(AUTHORIZERS)}")
    if given.tenancy not in TENANCIES:
        parser.error(f"TENANCY is {given.tenancy}; it may be {', '.join(TENANCIES)}")
    if given.tenancy == "policy" and given.authorizer == "none":
        parser.error("TENANCY=policy needs AUTHORIZER=iam or AUTHORIZER=jwt: nobody knows else whose a request is")
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    options = CloudOptions(
        port=given.port,
        state_dir=given.state_dir,
        concurrent_builds=given.builds,
        authorizer=given.authorizer,
        tenancy=given.tenancy,
        local_ports=tuple(given.local_port),
        cluster=False if given.no_cluster else None,
        kubeconfig=real_cluster_kubeconfig(os.environ),
        say=print,
    )
    try:
        with Cloud(options) as cloud:
            print(welcome(cloud), flush=True)
            cloud.wait(stopped)
            print("\nStopping", flush=True)
    except (PartFailedError, PrepareError, SynthesisError, DeployError) as problem:
        sys.exit(str(problem))


def real_cluster_kubeconfig(environment: Mapping[str, str]) -> Path | None:
    """Return the KUBECONFIG that was given; None for one of a one-machine cloud, which people export to use kubectl."""
    given = environment.get("KUBECONFIG")
    if not given or Path(given).is_relative_to(state_root()):
        return None
    return Path(given)


if __name__ == "__main__":
    main()
