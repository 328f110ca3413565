"""A permission that is missing is missed here, as it would be on AWS."""

import json
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import hello_task
from tests.support.client import Client


@pytest.fixture
def without_log_reading(cloud: Client) -> Iterator[None]:
    """The build API's role without its statement for logs:GetLogEvents."""
    iam = cloud.aws("iam")
    roles = [page["Roles"] for page in iam.get_paginator("list_roles").paginate()]
    names = [role["RoleName"] for some in roles for role in some]
    (name,) = (each for each in names if each.startswith("BlueFaas-ApiBuildsServiceRole"))
    documents = {
        policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
    }
    for policy, document in documents.items():
        kept = [each for each in document["Statement"] if "logs:GetLogEvents" not in json.dumps(each)]
        assert len(kept) < len(document["Statement"])
        changed = json.dumps({**document, "Statement": kept})
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=changed)
    yield
    for policy, document in documents.items():
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))


def test_logs_need_the_right_to_read_them(cloud: Client, hello: str, without_log_reading: None) -> None:
    answer = cloud.http.get(f"/api/v1/tasks/{hello_task(cloud)}/logs", params={"workspace_id": "my-workspace"})
    assert answer.status_code == 503
    assert "detail" in answer.json()


def test_with_it_they_are_read(cloud: Client, hello: str) -> None:
    assert cloud.build_log(hello_task(cloud))
