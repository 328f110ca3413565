"""The option ``--local-port``, which the cloud hands to its cluster, and the cluster to each function's process."""

import argparse
from collections.abc import Iterable
from typing import Final

_OPTION: Final = "--local-port"


def add_option(parser: argparse.ArgumentParser) -> None:
    """Let a command line name ports, as ``local_port``."""
    parser.add_argument(
        _OPTION,
        type=int,
        action="append",
        default=[],
        help="port of this machine that functions may reach whose allowed_outbound_hosts name it; may be repeated",
    )


def as_arguments(ports: Iterable[int]) -> list[str]:
    """Write ports as that option."""
    return [argument for port in ports for argument in (_OPTION, str(port))]
