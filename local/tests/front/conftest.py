"""Two clouds that ask who calls, and hold callers to the policy: one by signatures, with a cluster; one by tokens."""

import json
from collections.abc import Iterator

import httpx
import pytest

from local.cloud.issuer import ADMINISTRATOR
from local.cloud.options import CloudOptions
from local.cloud.supervisor import Cloud
from local.tests.front.callers import WORKSPACE, mint, operator, role_arn, signed
from tests.support import components

MEMBERS = ("team-a", "reader")
"""Roles that belong to the workspace, once they are made."""


@pytest.fixture(scope="session")
def iam() -> Iterator[Cloud]:
    """Start a cloud with a workspace of the operator's and of two roles."""
    options = CloudOptions(port=0, authorizer="iam", tenancy="policy", compile_cache=components.COMPILED)
    with Cloud(options) as cloud:
        principals = [f"arn:aws:iam::{cloud.account}:user/operator", *(role_arn(cloud, role) for role in MEMBERS)]
        body = json.dumps({"principals": principals}).encode()
        path = f"/api/v1/admin/workspaces/{WORKSPACE}"
        with httpx.Client(timeout=60) as client:
            client.send(signed(cloud, operator(cloud), "PUT", path, body)).raise_for_status()
        yield cloud


@pytest.fixture(scope="session")
def jwt() -> Iterator[Cloud]:
    """Start a cloud with a workspace that tokens may list."""
    with Cloud(CloudOptions(port=0, cluster=False, authorizer="jwt", tenancy="policy")) as cloud:
        headers = {"Authorization": f"Bearer {mint(cloud, sub=ADMINISTRATOR)}"}
        url = f"{cloud.url}/api/v1/admin/workspaces/{WORKSPACE}"
        httpx.put(url, json={}, headers=headers, timeout=60).raise_for_status()
        yield cloud
