"""The registry that tests talk to: ministack with the gate before it, each on a free port of 127.0.0.1."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx

from local.oci.credentials import Credentials
from local.oci.gate import create_gate
from local.oci.mirrors import Mirrors
from tests.local.background import serve

ACCOUNT, REGION = "123456789012", "ap-northeast-2"
ECR_HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"


@dataclass(frozen=True)
class LocalRegistry:
    """The one-machine ECR: its API, the bare registry, and the gate where credentials count."""

    ecr: Any
    bare_url: str
    gate_url: str
    credentials: Credentials

    @property
    def mirrors(self) -> Mirrors:
        """Leads ECR's host name to the gate."""
        return Mirrors({ECR_HOST: self.gate_url})


@contextmanager
def local_registry(folder: Path) -> Iterator[LocalRegistry]:
    """Run ministack, its files under ``folder``, and a gate before it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    environment |= {
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "BIND_HOST": "127.0.0.1",
    }
    environment |= dict.fromkeys(("TMPDIR", "STATE_DIR", "S3_DATA_DIR"), str(folder))
    url = f"http://127.0.0.1:{port}"
    with (folder / "ministack.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"], env=environment, cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=6)) as client:  # waits 0.5 s, 1 s, 2 s, ... in between
            client.get(f"{url}/v2/").raise_for_status()
        ecr = boto3.client(
            "ecr", endpoint_url=url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
        )
        with serve(create_gate(url)) as gate_url:
            yield LocalRegistry(ecr, url, gate_url, Credentials("AWS", "ministack-auth-token"))
    finally:
        process.terminate()
        process.wait()
