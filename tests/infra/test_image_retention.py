"""Images that no task is kept of and that were never deployed are removed, where the settings ask for that."""

import json
from typing import Any

import pydantic
import pytest

from functions.contracts.names import DEPLOYED_TAG
from infra.settings import Settings
from tests.infra.conftest import ANOTHER, synthesis
from tests.infra.reading import permissions, resources, text


def variables(template: dict[str, Any], function: str) -> dict[str, Any]:
    (found,) = [f for name, f in resources(template, "AWS::Lambda::Function").items() if name.startswith(function)]
    values: dict[str, Any] = found["Environment"]["Variables"]
    return values


def test_every_image_is_kept_unless_asked_otherwise(template: dict[str, Any]) -> None:
    (repository,) = resources(template, "AWS::ECR::Repository").values()
    assert "LifecyclePolicy" not in repository
    assert "EXPIRING_REPOSITORY" not in variables(template, "DeployerFunction")
    assert "IMAGE_REUSE_DAYS" not in variables(template, "ApiBuilds")


def test_deployed_images_are_out_of_reach_of_the_rule_that_removes() -> None:
    (repository,) = resources(synthesis(**ANOTHER).template, "AWS::ECR::Repository").values()
    keep, beside, remove = json.loads(repository["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    assert keep["rulePriority"] < beside["rulePriority"] < remove["rulePriority"]
    assert keep["selection"]["tagPatternList"] == [f"{DEPLOYED_TAG}*"]
    # Of the same age as an image that was deployed long ago, and not deployed themselves.
    assert beside["selection"]["tagPatternList"] == ["sha256-*"]
    assert beside["selection"]["countNumber"] == keep["selection"]["countNumber"] == 100_000
    assert (remove["selection"]["countType"], remove["selection"]["countNumber"]) == ("sinceImagePushed", 120)
    assert remove["selection"]["tagStatus"] == "any"


def test_the_deploy_function_marks_in_that_repository_and_nowhere_else() -> None:
    template = synthesis(**ANOTHER).template
    granted = permissions(template, "DeployerFunction")
    assert granted["ecr:PutImage"] == granted["ecr:BatchGetImage"] == ["<StorageImagesCFC0E004.Arn>"]


@pytest.mark.parametrize(("changed", "asked"), [({}, True), (ANOTHER, False)], ids=["as it is", "not required"])
def test_signatures_are_asked_for_where_the_setting_says_so(changed: dict[str, object], asked: bool) -> None:
    template = synthesis(**changed).template
    assert variables(template, "DeployerFunction")["KUBERNETES_REQUIRE_SIGNATURE"] == str(asked).lower()
    assert ("kms:Verify" in permissions(template, "DeployerFunction")) is asked
    assert "kms:Sign" in permissions(template, "BuildPipelineSignImage"), "images are signed all the same"
    assert "kms:Sign" not in permissions(template, "DeployerFunction")
    assert not any(action.startswith("kms:Sign") for action in permissions(template, "BuilderProject"))


def test_the_deploy_function_finds_the_repository_to_mark_in() -> None:
    template = synthesis(**ANOTHER).template
    assert "StorageImages" in text(variables(template, "DeployerFunction")["EXPIRING_REPOSITORY"])


@pytest.mark.parametrize("function", ["ApiBuilds", "IngestFunction"])
def test_a_task_that_takes_an_image_over_is_kept_no_longer_than_the_image(function: str) -> None:
    assert variables(synthesis(**ANOTHER).template, function)["IMAGE_REUSE_DAYS"] == "30"


def test_images_are_kept_for_as_long_as_tasks_at_least() -> None:
    assert Settings.from_file({"blue-faas.storage.image_retention_days": 90}).storage.image_retention_days == 90
    with pytest.raises(pydantic.ValidationError, match="below task_retention_days"):
        Settings.from_file({"blue-faas.storage.image_retention_days": 89})
