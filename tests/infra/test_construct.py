"""The construct of the whole service: ids of what installations have, and stacks that cannot hold it.

In a stack of another team, with the names of that: tests/infra/test_cdk_wheel.py.
"""

from typing import Any

import aws_cdk as cdk
import pytest

from infra.construct import BlueFaas
from infra.settings import Settings
from tests.infra.test_api_and_storage import STATE

KEPT = {
    "AlarmsKey3C2381B3",
    "StorageAccessLogs96FB524C",
    "StorageCodeEBE9F578",
    "StorageCredentialsKey2B6A8276",
    "StorageImagesCFC0E004",
    "StorageSigningKey89E41C39",
    "StorageTasks7A5B7490",
    "TenancyPolicies9A07A512",
}
"""What is in AWS under these ids: under another one it would be made anew, and be empty."""


def test_what_is_kept_has_the_ids_that_installations_have(template: dict[str, Any]) -> None:
    assert {name for name, resource in template["Resources"].items() if resource["Type"] in STATE} == KEPT


def test_a_stack_has_a_name_for_it() -> None:
    settings = Settings.from_file({})
    with pytest.raises(ValueError, match="48 characters at most"):
        BlueFaas(cdk.Stack(cdk.App(), "P" * 49), "Functions", settings=settings)
    nested = cdk.NestedStack(cdk.Stack(cdk.App(), "Platform"), "Nested")
    with pytest.raises(ValueError, match="is in a nested stack"):
        BlueFaas(nested, "Functions", settings=settings)
