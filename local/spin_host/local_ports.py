"""The option ``--local-port``, which the cloud hands to its cluster, and the cluster to each function's process."""

import argparse


def add_option(parser: argparse.ArgumentParser) -> None:
    """Let a command line name ports, as ``local_port``."""
    parser.add_argument(
        "--local-port",
        type=int,
        action="append",
        default=[],
        help="port of this machine that functions may reach whose allowed_outbound_hosts name it; may be repeated",
    )
