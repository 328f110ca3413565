"""The service role under which a build runs, and everything that CodeBuild does for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from local.aws.settings import Settings


@dataclass(frozen=True, slots=True)
class ServiceRole:
    """Temporary credentials of a project's service role."""

    settings: Settings
    environment: Mapping[str, str]
    """AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN."""
    log_refusal: str = ""
    """Why CodeBuild may not write the build's log; empty when it may."""

    def client(self, service: str) -> Any:
        """A boto3 client under the role."""
        import boto3  # few builds need it, and it takes a while to load
        from botocore.config import Config

        return boto3.client(
            cast(Any, service),
            endpoint_url=self.settings.endpoint,
            region_name=self.settings.region,
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=self.environment["AWS_SESSION_TOKEN"],
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )
