"""``python -P worker_server.py FD``: starts Lambda workers by fork, the packages that all of them use loaded once.

Most of a cold start is loading those packages. Lambda's SnapStart has the same answer: begin where another has already
been. Of a function's own code nothing is loaded here, nor anything that reads the function's settings as it loads.
What botocore has read of the services' models is kept for all of them.

One message on the socket at FD is one worker: JSON with ``script``, ``folder`` and ``environment``, and with it the
worker's standard input, output and error. The answer is its process id, and with it a pidfd. The end of the socket is
the end of this process; workers end with their input.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
from typing import Any, Final

PACKAGES: Final = (
    "boto3",
    "boto3.dynamodb.conditions",
    "botocore.client",
    "botocore.endpoint",
    "botocore.handlers",
    "pydantic",
    "aws_lambda_powertools.event_handler",
    "aws_lambda_powertools.event_handler.openapi.swagger_ui",
    "aws_lambda_powertools.logging",
    "aws_lambda_powertools.metrics",
)
SERVICES: Final = ("dynamodb", "ecr", "eks", "events", "kms", "lambda", "logs", "s3", "stepfunctions")
"""Those that functions call. Making a client takes 50 ms, most of it for reading what botocore knows of its service."""
MOST_BYTES: Final = 1 << 20
"""Of a message: an environment is smaller (Lambda's limit is 4 KB)."""

program: tuple[str, ...] = (__file__,)
"""What forks workers, and its arguments before FD; benchmarks have one that times what workers do."""


def main() -> None:
    """Serve until the socket ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all: who started this one ends it in its own time
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits here: the kernel collects those that have ended
    gc.set_threshold(20_000, 20, 100)  # what local.cloud.collector does, which a worker must not find
    atexit.register(gc.freeze)
    for package in PACKAGES:
        with contextlib.suppress(ImportError):  # the worker that needs it says so
            importlib.import_module(package)
    with contextlib.suppress(ImportError):
        _read_service_models()
    gc.freeze()  # no worker has to look for garbage in what is loaded, and its memory stays shared
    with socket.socket(fileno=int(sys.argv[1])) as orders:
        while True:
            message, files, _, _ = socket.recv_fds(orders, MOST_BYTES, 3)
            if not message:
                return
            pid = os.fork()
            if pid == 0:
                orders.close()
                _become(json.loads(message), files)
                return
            for file in files:
                os.close(file)
            pidfd = os.pidfd_open(pid)  # it waits for its first input: it is there
            socket.send_fds(orders, [str(pid).encode()], [pidfd])
            os.close(pidfd)


def _read_service_models() -> None:
    """Read the files that clients of `SERVICES` are made from, and let every session find them read."""
    from botocore import loaders

    loaders.JSONFileLoader.load_file = staticmethod(  # type: ignore[method-assign]
        functools.cache(loaders.JSONFileLoader().load_file)
    )
    loader = loaders.Loader()
    for name in ("endpoints", "partitions", "sdk-default-configuration", "_retry"):
        loader.load_data(name)
    for service in SERVICES:
        for kind in ("service-2", "endpoint-rule-set-1"):
            loader.load_service_model(service, kind)


def _become(order: dict[str, Any], files: list[int]) -> None:
    for number in (signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    for target, file in enumerate(files):
        os.dup2(file, target)
        os.close(file)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = [order["script"]]
    sys.path.insert(0, os.path.dirname(order["script"]))  # noqa: PTH120 - as Python does for a script
    runpy.run_path(order["script"], run_name="__main__")


if __name__ == "__main__":
    main()
