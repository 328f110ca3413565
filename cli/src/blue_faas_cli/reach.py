"""How an app is reached from this machine: by its address, or through kubectl."""

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import httpx

from blue_faas_cli.config import Settings
from blue_faas_cli.problems import BlueError, Exit, usage
from blue_faas_cli.session import Session
from functions.models.apps import AppState

_FORWARDING: Final = re.compile(r"Forwarding from (127\.0\.0\.1:\d+)")


def address_of(settings: Settings, app: AppState) -> str | None:
    """Return the URL that leads to an app from here; None where it has an address inside its cluster only.

    The one-machine cloud serves every app below ``localhost``, at the port of its API.
    """
    if not settings.is_local:
        return app.url
    api = httpx.URL(settings.url)
    host = httpx.URL(app.url).host if app.url else f"{app.service_name}.{app.namespace}.svc.localhost"
    return str(api.copy_with(host=host, path="/"))


@dataclass(frozen=True)
class Way:
    """A way to an app that is open."""

    address: str
    """URL of its near end."""
    host: str | None
    """The Host of requests, where it is another than the address says."""
    _process: subprocess.Popen[str] | None = None

    def wait(self) -> None:
        """Return when the way is closed from the other side."""
        if self._process is not None:
            self._process.wait()


@contextlib.contextmanager
def way_to(session: Session, app: AppState) -> Iterator[Way]:
    """Lead to an app: at its address, or through ``kubectl port-forward`` for as long as the block lasts.

    Raises
    ------
    BlueError
        Only kubectl would lead there, and there is none, or it cannot.
    """
    if session.settings.is_local:
        # The one-machine cloud takes the name in the Host header; not every machine finds names below localhost.
        yield Way(session.settings.url, app.endpoint)
        return
    if app.url is not None:
        yield Way(app.url, None)
        return
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise usage(
            "The function has an address inside its cluster only, and kubectl, which leads to it, is not on PATH. "
            "`expose` in the options of the deploy gives it one outside."
        )
    command = [kubectl, "port-forward", f"--namespace={app.namespace}", f"service/{app.service_name}", ":80"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            match = _FORWARDING.match(process.stdout.readline() if process.stdout else "")
            if match is None:
                reason = process.stderr.read().strip() if process.stderr else ""
                raise BlueError(
                    f"kubectl does not lead to {app.namespace}/{app.service_name}: {reason}", Exit.NO_ANSWER
                )
            yield Way(f"http://{match[1]}/", app.endpoint, process)
        finally:
            process.terminate()
