"""The registry that tests talk to: the AWS process with the gate before it, each on a free port of 127.0.0.1."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.oci.credentials import Credentials
from local.oci.gate import create_gate
from local.oci.mirrors import Mirrors
from local.tests.aws.conftest import start, stop
from tests.support.background import serve

ACCOUNT, REGION = "123456789012", "ap-northeast-2"
ECR_HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"


@dataclass(frozen=True)
class LocalRegistry:
    """The one-machine ECR: its API, a registry that is open to anybody, and the gate where credentials count."""

    ecr: Any
    aws_url: str
    open_url: str
    gate_url: str
    credentials: Credentials

    @property
    def mirrors(self) -> Mirrors:
        """Leads ECR's host name to the gate."""
        return Mirrors({ECR_HOST: self.gate_url})


@contextmanager
def local_registry(folder: Path) -> Iterator[LocalRegistry]:
    """Run the AWS process, its files under ``folder``, and a gate before it."""
    aws = start(folder)
    try:
        ecr = aws.client("ecr")
        token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        credentials = Credentials("AWS", base64.b64decode(token).decode().partition(":")[2])
        gate = create_gate(aws.endpoint)
        with serve(gate) as gate_url, serve(_Open(create_gate(aws.endpoint), credentials)) as open_url:
            yield LocalRegistry(ecr, aws.endpoint, open_url, gate_url, credentials)
    finally:
        stop(aws)


class _Open:
    """A registry that asks nobody for a password, since it brings its own."""

    def __init__(self, app: Any, credentials: Credentials) -> None:
        self._app = app
        self._header = (b"authorization", credentials.basic().encode())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": [*scope["headers"], self._header]}
        await self._app(scope, receive, send)
