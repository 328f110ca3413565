"""Runs ministack with the seams, in this process, until it is told to stop.

Order matters: environment, then seams, then the server. ministack reads its settings while its modules load, and its
modules are loaded by the seams.
"""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, Final, cast

from local.aws import environment
from local.aws.faults import FaultyApi
from local.aws.seams import check_version
from local.aws.settings import Settings

STOP_BUILDS_SECONDS: Final = 10.0
SETTLE_SECONDS: Final = 3.0
"""What the executions of stopped builds get to come to their own end."""


def run(settings: Settings) -> None:
    """Serve every AWS API at ``settings.endpoint`` until SIGTERM or SIGINT; builds that run then are stopped.

    Raises OSError when the port is taken, `local.aws.seams.MinistackVersionError` on another version of ministack.
    """
    check_version()
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", settings.port))
        environment.apply(settings)
        # ministack goes without docker where the package cannot be imported, and starts a quarter of a second sooner.
        sys.modules["docker"] = cast(Any, None)
        # The server takes the descriptor over, and closes it.
        asyncio.run(_serve(settings, server.detach()))


async def _serve(settings: Settings, server: int) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    from local.aws.seams import execution_life
    from local.aws.seams.install import install

    logging.getLogger("hypercorn.access").setLevel(logging.WARNING)
    queue = install(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    config = Config()
    config.bind = [f"fd://{server}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = "WARNING"

    def end_builds() -> None:
        """Builds end while the APIs still answer, so that the executions that wait for them can record it."""
        if queue.stop_all(STOP_BUILDS_SECONDS):
            execution_life.settle(SETTLE_SECONDS)

    async def stopped() -> None:
        await stop.wait()
        await asyncio.to_thread(end_builds)

    announcement = asyncio.create_task(_announce(settings, execution_life.announce_lost))
    served: Any = app if settings.faults_file is None else FaultyApi(app, settings.faults_file)
    await serve(served, config, shutdown_trigger=stopped)
    announcement.cancel()


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
