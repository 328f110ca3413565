"""The secrets of one run of the AWS process: made at its first start, kept in a file that only its owner may read."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Any, Self

import boto3
from pydantic import BaseModel, ConfigDict


class RunCredentials(BaseModel):
    """What the operator, the front and the cluster's node prove themselves with."""

    model_config = ConfigDict(frozen=True)

    access_key_id: str
    """Of the operator: an IAM user that may do everything, as who runs ``cdk deploy`` is on AWS."""
    secret_access_key: str
    front_secret: str
    """Header of requests that the front hands on to API Gateway; nobody else reaches it."""
    node_password: str
    """Password with which the cluster's node pulls from the registry."""

    @property
    def registry_password(self) -> str:
        """Password with which the operator pushes and pulls: good for as long as the key that it comes from."""
        return hmac.new(self.secret_access_key.encode(), b"ecr", hashlib.sha256).hexdigest()

    @classmethod
    def make(cls) -> Self:
        """Make new ones, of the form that AWS gives."""
        return cls(
            access_key_id="AKIA" + secrets.token_hex(8).upper(),
            secret_access_key=secrets.token_hex(20),
            front_secret=secrets.token_hex(20),
            node_password=secrets.token_hex(20),
        )

    @classmethod
    def at(cls, path: Path) -> Self:
        """Those in the file at ``path``, made and written there if there are none."""
        if path.exists():
            return cls.model_validate_json(path.read_bytes())
        made = cls.make()
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w") as output:
            output.write(made.model_dump_json())
        return made

    def client(self, service: str, endpoint: str, region: str, **options: Any) -> Any:
        """Make a boto3 client of the operator."""
        return boto3.client(
            service,  # type: ignore[call-overload]  # any service
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            **options,
        )
