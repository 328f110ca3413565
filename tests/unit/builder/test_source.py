"""The download of an upload from S3, as S3 answers a role that may read objects and not list them."""

from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from builder.errors import BuildError
from builder.settings import Limits
from builder.source.upload import fetch


def fetched(tmp_path: Path, code: str) -> str:
    """What `fetch` makes of S3's error ``code``."""
    s3 = boto3.client("s3", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(s3) as stubber:
        stubber.add_client_error("get_object", service_error_code=code)
        return fetch(s3, "bucket", "build-sources/w/t/app.py", tmp_path / "upload", Limits())


@pytest.mark.parametrize("code", ["NoSuchKey", "AccessDenied"])
def test_a_source_that_is_gone_is_asked_for_again(tmp_path: Path, code: str) -> None:
    with pytest.raises(BuildError, match="Upload the file again"):
        fetched(tmp_path, code)


def test_an_outage_is_no_missing_source(tmp_path: Path) -> None:
    with pytest.raises(ClientError):
        fetched(tmp_path, "InternalError")
