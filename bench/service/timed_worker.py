"""``python -P timed_worker.py TIMES FD``: `local.aws.worker_server`, with workers that write down where time goes.

One line of JSON in the file TIMES for each request: its path, seconds by kind of work, processor time of all
threads, and how many requests it sent. What is waited for, AWS and the cluster, is a kind of its own: the rest is the
function's. What it does in threads while it waits for them is in its processor time alone.
"""

import contextlib
import functools
import importlib.util
import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

import urllib3
from aws_lambda_powertools.event_handler.middlewares import openapi_validation
from aws_lambda_powertools.logging import Logger
from botocore.client import BaseClient

HANDLER: Final = "handler"
VALIDATION: Final = "reading and validation"
ANSWER: Final = "writing the answer"
SDK: Final = "AWS SDK: encoding, signing, reading"
WAITING: Final = "waiting for AWS and the cluster"
_SERVER: Final = Path(__file__).parents[2] / "local" / "aws" / "worker_server.py"


class Clock(threading.local):
    """Seconds by kind of work, of one thread: each moment counts for the innermost kind alone."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._kinds: list[str] = []
        self._since = 0.0

    @contextlib.contextmanager
    def running(self, kind: str) -> Iterator[None]:
        """Count what is done in the block as ``kind``."""
        self._count()
        self._kinds.append(kind)
        try:
            yield
        finally:
            self._count()
            self._kinds.pop()

    def _count(self) -> None:
        now = time.perf_counter()
        if self._kinds:
            self.seconds[self._kinds[-1]] += now - self._since
        self._since = now


clock: Final = Clock()
sent: Final[list[None]] = []
"""One for each request that any thread has sent."""


def counted(kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function``, its time counted."""

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        with clock.running(kind):
            return function(*arguments, **options)

    return call


def noted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function``, which sends a request."""

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        sent.append(None)
        return function(*arguments, **options)

    return call


def around(kind: str, middleware: type) -> None:
    """Count what a middleware does itself, without what comes after it."""
    handler = middleware.handler  # type: ignore[attr-defined]

    def handle(self: Any, app: Any, next_middleware: Callable[..., Any]) -> Any:
        with clock.running(kind):
            return handler(self, app, counted(HANDLER, next_middleware))

    middleware.handler = handle  # type: ignore[attr-defined]


def install(file: Path) -> None:
    """Have every handler's requests written down: all of them log through Powertools' decorator."""
    around(VALIDATION, openapi_validation.OpenAPIRequestValidationMiddleware)
    around(ANSWER, openapi_validation.OpenAPIResponseValidationMiddleware)
    client: Any = BaseClient
    client._make_api_call = counted(SDK, client._make_api_call)
    pool: Any = urllib3.HTTPConnectionPool
    pool.urlopen = counted(WAITING, noted(pool.urlopen))
    for waiting in (Future, threading.Event):
        owner: Any = waiting
        name = "result" if waiting is Future else "wait"
        setattr(owner, name, counted(WAITING, getattr(owner, name)))
    logger: Any = Logger
    decorate = logger.inject_lambda_context

    def inject_lambda_context(self: Any, function: Any = None, **options: Any) -> Any:
        if function is None:
            return functools.partial(inject_lambda_context, self, **options)
        handler = decorate(self, function, **options)

        @functools.wraps(handler)
        def timed(event: Any, context: Any) -> Any:
            clock.seconds.clear()
            sent.clear()
            before = time.process_time()
            with clock.running(HANDLER):
                answer = handler(event, context)
            processor = time.process_time() - before
            if "requestContext" in event:
                line = {"path": event["rawPath"], "seconds": clock.seconds, "processor": processor, "sent": len(sent)}
                with file.open("a") as lines:
                    lines.write(json.dumps(line) + "\n")
            return answer

        return timed

    logger.inject_lambda_context = inject_lambda_context


def main() -> None:
    """Serve workers."""
    install(Path(sys.argv.pop(1)))
    spec = importlib.util.spec_from_file_location("worker_server", _SERVER)
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - a file that is there
    server = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(server)
    server.main()


if __name__ == "__main__":
    main()
