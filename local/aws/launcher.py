"""Runs ministack with the seams, in this process, until it is told to stop.

Order matters: environment, then seams, then the server. ministack reads its settings while its modules load, and its
modules are loaded by the seams.
"""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, Final, cast

import uvicorn

from local.aws import environment
from local.aws.credentials import RunCredentials
from local.aws.gate import Gate
from local.aws.seams import check_version
from local.aws.settings import Settings
from local.cloud.serving import SignalFreeServer, bound_socket

STOP_BUILDS_SECONDS: Final = 10.0
SETTLE_SECONDS: Final = 3.0
"""What the executions of stopped builds get to come to their own end."""


def run(settings: Settings, around: Callable[[Any], Any] = lambda app: app) -> None:
    """Serve every AWS API at ``settings.endpoint`` until SIGTERM or SIGINT; builds that run then are stopped.

    ``around`` may put an ASGI app of its own before ministack's.

    Raises OSError when the port is taken, `local.aws.seams.MinistackVersionError` on another version of ministack.
    """
    check_version()
    with bound_socket("127.0.0.1", settings.port) as server:
        environment.apply(settings)
        credentials = RunCredentials.at(settings.credentials_file)
        # ministack goes without docker where the package cannot be imported, and starts a quarter of a second sooner.
        sys.modules["docker"] = cast(Any, None)
        asyncio.run(_serve(settings, credentials, server, around))


async def _serve(
    settings: Settings, credentials: RunCredentials, server: socket.socket, around: Callable[[Any], Any]
) -> None:
    from ministack.app import app

    from local.aws.seams import execution_life, s3_events
    from local.aws.seams.install import install

    installed = install(settings, credentials)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    keeper = installed.keeper
    before_answer = None if keeper is None else keeper.before_answer
    served: Any = Gate(around(app), settings.port, credentials, installed.registry, before_answer)
    # ministack's own server, hypercorn, takes twice the time for each request: its HTTP is parsed in Python.
    api = SignalFreeServer(
        uvicorn.Config(
            served,
            ws="none",
            lifespan="on",
            log_level="warning",
            access_log=False,
            # ministack gives both itself.
            server_header=False,
            date_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
        )
    )

    def end_builds() -> None:
        """End builds while the APIs still answer, so that the executions that wait for them can record it."""
        if installed.queue.stop_all(STOP_BUILDS_SECONDS):
            execution_life.settle(SETTLE_SECONDS)

    async def end() -> None:
        await stop.wait()
        await asyncio.to_thread(end_builds)
        api.should_exit = True

    ending = asyncio.create_task(end())

    def announce_again() -> None:
        """Tell what an earlier run of this process may have told nobody of."""
        execution_life.announce_lost()
        s3_events.announce_last()

    announcement = asyncio.create_task(_announce(settings, announce_again))
    await api.serve(sockets=[server])
    announcement.cancel()
    ending.cancel()


async def _announce(settings: Settings, first: Callable[[], None]) -> None:
    """One line on standard output once connections are answered and ``first`` is done: others wait for that line."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", settings.port)
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        await asyncio.to_thread(first)
        print(f"AWS APIs: {settings.endpoint}", flush=True)
        return
