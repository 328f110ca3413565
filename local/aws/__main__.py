"""``python -m local.aws``: the AWS half of the one-machine cloud as a process of its own."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.aws import launcher
from local.aws.iam.decisions import EVERY as EVERY_DECISION
from local.aws.iam.decisions import VARIABLE as DECISIONS
from local.aws.seams import MinistackVersionError
from local.aws.settings import (
    DEFAULT_ACCOUNT,
    DEFAULT_CLUSTER,
    DEFAULT_CONCURRENT_BUILDS,
    DEFAULT_REGION,
    Settings,
)
from local.cloud.collector import spare_what_stays
from local.cloud.processes import free_port
from local.cloud.state_file import StateFileError


def parse(arguments: list[str] | None = None) -> Settings:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m local.aws", description=__doc__)
    add = parser.add_argument
    add("--port", type=int, required=True, help="port on 127.0.0.1 for every AWS API; 0 takes a free one")
    add("--state-dir", type=Path, required=True, help="folder for all files of this process; emptied at start")
    add("--keep-state", action="store_true", help="keep the state in --state-dir, and take up what is there")
    add("--codebuild-path", default=os.defpath, help="PATH of builds")
    add("--codebuild-env", type=Path, help="JSON file: more environment variables of builds, read at their start")
    add("--codebuild-concurrency", type=int, default=DEFAULT_CONCURRENT_BUILDS, help="builds at a time")
    add("--kubernetes-file", type=Path, help="JSON file: endpoint and ca_data of the cluster; may be written later")
    add("--issuer", help="URL at which the local issuer of tokens publishes its keys (local.cloud.issuer)")
    add("--cluster-name", default=DEFAULT_CLUSTER, help="name of the EKS cluster")
    add("--region", default=DEFAULT_REGION)
    add("--account", default=DEFAULT_ACCOUNT, help="12-digit account id")
    given = parser.parse_args(arguments)
    if given.codebuild_concurrency < 1:
        parser.error("--codebuild-concurrency must be 1 or more")
    return Settings(
        port=given.port or free_port(),
        state_dir=given.state_dir.absolute(),
        codebuild_path=given.codebuild_path,
        region=given.region,
        account=given.account,
        cluster_name=given.cluster_name,
        codebuild_env_file=given.codebuild_env and given.codebuild_env.absolute(),
        kubernetes_file=given.kubernetes_file and given.kubernetes_file.absolute(),
        concurrent_builds=given.codebuild_concurrency,
        keep_state=given.keep_state,
        issuer_address=given.issuer,
        decisions_file=Path(file).absolute() if (file := os.environ.get(DECISIONS)) else None,
        keeps_every_decision=EVERY_DECISION in os.environ,
    )


def main(around: Callable[[Any], Any] = lambda app: app) -> None:
    """Run until SIGTERM or SIGINT. ``around`` as in `launcher.run`."""
    spare_what_stays()
    settings = parse()
    try:
        launcher.run(settings, around)
    except (MinistackVersionError, StateFileError) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"The AWS APIs cannot be served at {settings.endpoint}: {error.strerror or error}")


if __name__ == "__main__":
    main()
