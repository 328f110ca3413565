"""``python -m local.spin_host``: serve one pulled Spin application on one port, as one pod's process.

Standard output begins with ``listening http://ADDRESS:PORT`` once every component is loaded and connections are
accepted; everything after that, and standard error, is what the functions print and why requests failed.
"""

import argparse
import os
import sys
from pathlib import Path

from local.spin_host import local_ports
from local.spin_host.application import Application, Settings
from local.spin_host.guest import Limits
from local.spin_host.locked_app import AppError
from local.spin_host.server import serve


def main(arguments: list[str] | None = None) -> int:
    """Entry point. Status 0 after an orderly end, 1 when the application cannot be served."""
    options = _parser().parse_args(arguments)
    settings = Settings(
        app=options.app,
        state_dir=options.state_dir,
        cache_dir=options.cache_dir,
        limits=Limits(options.timeout, options.max_memory_mb << 20),
        environment=os.environ,
        local_ports=frozenset(options.local_port),
    )
    try:
        application = Application(settings)
        orderly = serve(application, options.port, options.grace, _announce)
    except AppError as error:
        print(f"cannot serve the application: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"cannot listen on 127.0.0.1:{options.port}: {error.strerror}", file=sys.stderr)
        return 1
    if not orderly:
        print("the grace time is over: requests under way were cut off", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)  # their threads still run and would hold the process
    return 0


def _announce(url: str) -> None:
    print(f"listening {url}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.spin_host", description="Serve a pulled Spin application.")
    parser.add_argument("--app", type=Path, required=True, help="folder with spin.json and blobs/sha256/<hex>")
    parser.add_argument(
        "--state-dir", type=Path, required=True, help="key-value and SQLite files, shared by the app's pods"
    )
    parser.add_argument("--cache-dir", type=Path, required=True, help="compiled components, private to this user")
    parser.add_argument("--port", type=int, default=0, help="port of 127.0.0.1 to listen on; 0 takes a free one")
    parser.add_argument("--timeout", type=_positive, default=30.0, help="seconds that one request may take")
    parser.add_argument("--max-memory-mb", type=int, default=256, help="memory of one instance")
    local_ports.add_option(parser)
    parser.add_argument("--grace", type=_positive, default=30.0, help="seconds to finish requests after SIGTERM")
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError("must be more than 0")
    return value
