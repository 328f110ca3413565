"""Sources in, images out: what can be built, and what a client is told when it cannot."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import hello_task
from tests.support.client import COMPONENT, ENDED, EXAMPLES, PATIENCE, Client, spin_toml, zipped

HELLO = (EXAMPLES / "hello" / "app.py").read_bytes()


class TestHello:
    def test_moves_forward_through_the_documented_states(self, cloud: Client) -> None:
        # Long enough that whoever asks now and then sees it build; the push may be over between two questions.
        task_id = cloud.start("app.py", b"import time\n\ntime.sleep(12)\n" + HELLO)
        steps = []
        while (task := cloud.task(task_id, wait=5))["status"] not in ENDED:
            steps.append(task["step"])
            assert (task["queued_ahead"] is not None) == task["queued"] == (task["status"] == "pending")
        assert task["status"] == "done"
        order = ["pending", "building", "pushing", "done"]
        seen = cloud.states[task_id]
        assert seen == [status for status in order if status in seen]
        assert {"building", "done"} <= set(seen)
        assert "build" in steps, "a step that lasts is told"
        assert (task["step"], task["queued_ahead"]) == (None, None)
        assert "Still running: spin build, 10 s" in cloud.build_log(task_id)

    def test_it_is_made_by_the_fast_lane(self, cloud: Client) -> None:
        assert cloud.wait(hello_task(cloud))["result"]["way"] == "fast lane"

    def test_the_same_source_gives_the_same_image(self, cloud: Client) -> None:
        """For another workspace, so that nothing of the first build answers for the second."""
        first = cloud.wait(hello_task(cloud))["result"]
        again = {"workspace_id": "other-workspace", "app_name": "my-function"}
        second = cloud.wait(cloud.start("app.py", HELLO, **again), again["workspace_id"])["result"]
        assert not second["cached"]
        assert first["image_url"] != second["image_url"]  # tags name the workspace
        assert first["digest"] == second["digest"]

    def test_result_names_component_and_image(self, cloud: Client) -> None:
        task_id = hello_task(cloud)
        task = cloud.wait(task_id)
        result = task["result"]
        assert task["error"] is None
        assert result["wasm_path"] == f"s3://{cloud.outputs['CodeBucket']}/build-artifacts/{task_id}/app.wasm"
        assert result["image_url"].startswith(f"{cloud.repository}:")
        assert result["toolchain"]["spin"].startswith("3.6.3")

    def test_the_component_is_in_s3(self, cloud: Client) -> None:
        task_id = hello_task(cloud)
        size = cloud.wait(task_id)["result"]["size"]
        stored = cloud.aws("s3").get_object(
            Bucket=cloud.outputs["CodeBucket"], Key=f"build-artifacts/{task_id}/app.wasm"
        )
        assert stored["ContentLength"] == size
        assert stored["Body"].read(8) == b"\0asm\x0d\0\x01\0"  # a component's magic and version

    def test_the_image_is_a_spin_artifact_under_its_digest(self, cloud: Client) -> None:
        result = cloud.wait(hello_task(cloud))["result"]
        repository, _, tag = result["image_url"].partition("/")[2].partition(":")
        registry = httpx.Client(base_url=cloud.url, auth=("AWS", cloud.ecr_password()))
        manifest = registry.get(f"/v2/{repository}/manifests/{tag}").json()
        by_digest = registry.get(f"/v2/{repository}/manifests/{result['digest']}").json()
        assert manifest == by_digest
        assert [layer["mediaType"] for layer in manifest["layers"]] == [
            "application/vnd.wasm.content.layer.v1+wasm",
            "application/vnd.fermyon.spin.application.v1+config",
        ]


class TestFailures:
    """Each failed task says what to change and where; nothing else is disturbed."""

    def test_a_type_error_names_file_and_line(self, cloud: Client) -> None:
        task = self._failed(cloud, "app.py", (EXAMPLES / "type-error" / "app.py").read_bytes())
        first = task["error"].splitlines()[0]
        assert first.startswith("MyPy validation failed: app.py:12: error: Incompatible types in assignment")

    def test_the_error_names_the_file_as_it_was_uploaded(self, cloud: Client) -> None:
        task = self._failed(cloud, "한글 함수.py", (EXAMPLES / "type-error" / "app.py").read_bytes())
        assert task["error"].startswith("MyPy validation failed: 한글 함수.py:12: error: ")

    def test_no_spin_toml(self, cloud: Client) -> None:
        task = self._failed(cloud, "app.zip", zipped(**{"app.py": HELLO, "deeper/spin.toml": spin_toml("true")}))
        assert task["error"] == "spin.toml not found in root directory"

    def test_a_build_command_that_fails_shows_its_last_lines(self, cloud: Client) -> None:
        source = zipped(**{"spin.toml": spin_toml("echo about to fail; echo the reason >&2; exit 3")})
        task = self._failed(cloud, "app.zip", source)
        assert "failed with status Exited(3)" in task["error"]
        assert "the reason" in task["error"]

    def test_a_push_with_a_wrong_password_is_refused(self, cloud: Client) -> None:
        source = zipped(**{"spin.toml": spin_toml(None), "app.wasm": COMPONENT})
        task = self._failed(
            cloud, "app.zip", source, registry_url=cloud.repository, username="AWS", password="wrong-password"
        )
        assert cloud.repository.partition("/")[0] in task["error"]
        assert "wrong-password" not in task["error"]

    def test_a_push_to_a_repository_that_does_not_exist(self, cloud: Client) -> None:
        host = cloud.repository.partition("/")[0]
        source = zipped(**{"spin.toml": spin_toml(None), "app.wasm": COMPONENT})
        task = self._failed(
            cloud, "app.zip", source, registry_url=f"{host}/missing", username="AWS", password=cloud.ecr_password()
        )
        assert "repository with name 'missing' does not exist" in task["error"]

    @staticmethod
    def _failed(cloud: Client, name: str, content: bytes, **fields: str) -> dict[str, Any]:
        task_id = cloud.start(name, content, **fields)
        task = cloud.wait(task_id)
        assert task["status"] == "failed"
        assert task["result"] is None
        (execution,) = [e for e in cloud.executions() if e["name"] == task_id]
        assert execution["status"] in {"RUNNING", "FAILED"}
        return task


def test_a_shipped_component_needs_no_build_command(cloud: Client) -> None:
    task_id = cloud.start("app.zip", zipped(**{"spin.toml": spin_toml(None), "app.wasm": COMPONENT}))
    assert cloud.wait(task_id)["status"] == "done"


class TestTagsThatMayNotMove:
    """Security Hub asks for it of every repository (ECR.2); the tag of a source is the same each time."""

    @pytest.fixture
    def immutable(self, cloud: Client) -> Iterator[None]:
        """The stack's repository, as an operator may set it."""
        ecr, name = cloud.aws("ecr"), cloud.repository.partition("/")[2]
        ecr.put_image_tag_mutability(repositoryName=name, imageTagMutability="IMMUTABLE")
        yield
        ecr.put_image_tag_mutability(repositoryName=name, imageTagMutability="MUTABLE")

    def test_a_source_that_was_pushed_before_is_done(self, cloud: Client, immutable: None) -> None:
        source = zipped(**{"spin.toml": spin_toml(None), "app.wasm": COMPONENT, "once": b"more"})
        first = cloud.start("app.zip", source)
        image = cloud.image(first)
        # Deleted, it does not answer for the second one, which is built and pushed anew.
        assert cloud.http.delete(f"/api/v1/tasks/{first}", params={"workspace_id": "my-workspace"}).is_success
        second = cloud.start("app.zip", source)
        assert cloud.image(second) == image
        assert "is there already, from an earlier build of the same source" in cloud.build_log(second)


class TestUploadToS3:
    def test_each_object_version_is_built_once(self, cloud: Client) -> None:
        key = "uploads/s3-workspace/dropped/app.zip"
        first = zipped(**{"spin.toml": spin_toml(None), "app.wasm": COMPONENT})
        second = zipped(**{"spin.toml": spin_toml("exit 1")})
        for content in (first, second):
            cloud.aws("s3").put_object(Bucket=cloud.outputs["CodeBucket"], Key=key, Body=content)
        ended = [cloud.wait(task_id, "s3-workspace") for task_id in _tasks_of(cloud, "s3-workspace", 2)]
        assert sorted(task["status"] for task in ended) == ["done", "failed"]

    def test_korean_names_and_spaces(self, cloud: Client) -> None:
        source = zipped(**{"spin.toml": spin_toml(None), "app.wasm": COMPONENT})
        key = "uploads/korean-workspace/app/한글 + 이름.zip"
        cloud.aws("s3").put_object(Bucket=cloud.outputs["CodeBucket"], Key=key, Body=source)
        (task_id,) = _tasks_of(cloud, "korean-workspace", 1)
        assert cloud.wait(task_id, "korean-workspace")["status"] == "done"


def _tasks_of(cloud: Client, workspace_id: str, count: int) -> list[str]:
    deadline = time.monotonic() + PATIENCE
    while True:
        found = [r["task_id"]["S"] for r in cloud.rows() if r["workspace_id"]["S"] == workspace_id and "status" in r]
        if len(found) >= count or time.monotonic() > deadline:
            assert len(found) == count
            return found
        time.sleep(0.1)
