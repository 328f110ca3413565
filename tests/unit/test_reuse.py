"""The same source for the same registry in the same workspace is not built twice."""

import base64
import hashlib
import io
from typing import Any

import boto3
import pytest

from functions.contracts import settings
from functions.contracts.task import RowField
from functions.contracts.task_row import StoredResult
from functions.handlers import ingest
from tests.support.aws_account import BUCKET, OTHER_REPOSITORY, OWN_REPOSITORY, Account
from tests.support.build_api import SOURCE, WORKSPACE, announce, request, started, task, upload, zip_of
from tests.support.events import LambdaContext, body_of
from tests.support.tasks import done, failed
from tests.unit.test_ingest import created

WASM = b"\0asm"


def build(account: Account, task_id: str, tag: str = "0123456789abcdef") -> None:
    """What a build leaves behind when it is done."""
    digest = account.push_image(tag)
    for name, content in (("app.wasm", WASM), ("result.json", b"{}"), ("sbom.cdx.json", b"{}")):
        account.put(f"build-artifacts/{task_id}/{name}", content)
    result = StoredResult(
        wasm_path=f"s3://{BUCKET}/build-artifacts/{task_id}/app.wasm",
        image_url=f"{OWN_REPOSITORY}:{tag}",
        digest=digest,
        size=len(WASM),
        duration_ms={"build": 7000},
        toolchain={"spin": "3.6.3"},
    )
    workspace = next(str(row["workspace_id"]) for row in account.rows() if row["task_id"] == task_id)
    done(task_id, result, workspace)


@pytest.fixture
def earlier(account: Account) -> str:
    """A finished build of the source."""
    task_id = started(app_name="a")
    build(account, task_id)
    return task_id


def is_built_anew(account: Account, task_id: str, workspace_id: str = WORKSPACE) -> bool:
    assert task(task_id, workspace_id)["status"] == "pending"
    return task_id in account.executions()


class TestReused:
    def test_done_at_once_with_the_earlier_image(self, account: Account, earlier: str) -> None:
        answer = upload(app_name="a")
        task_id = body_of(answer)["task_id"]
        assert body_of(answer)["status"] == "pending"  # the documented answer; the task itself is done
        body, before = task(task_id), task(earlier)
        assert body["status"] == "done"
        assert body["result"]["cached"] is True
        assert before["result"]["cached"] is False
        for field in ("image_url", "digest", "size", "toolchain", "duration"):
            assert body["result"][field] == before["result"][field]
        assert account.executions() == [earlier]

    def test_it_has_objects_of_its_own(self, account: Account, earlier: str) -> None:
        task_id = started(app_name="a")
        path = f"build-artifacts/{task_id}/app.wasm"
        assert task(task_id)["result"]["wasm_path"] == f"s3://{BUCKET}/{path}"
        request("DELETE", f"/api/v1/tasks/{earlier}", workspace_id=WORKSPACE)
        assert boto3.client("s3").get_object(Bucket=BUCKET, Key=path)["Body"].read() == WASM
        kept = account.keys()
        assert f"build-sources/{WORKSPACE}/{task_id}/app.py" in kept
        assert f"build-artifacts/{task_id}/sbom.cdx.json" in kept

    def test_again_and_again(self, account: Account, earlier: str) -> None:
        second = started(app_name="a")
        request("DELETE", f"/api/v1/tasks/{earlier}", workspace_id=WORKSPACE)
        third = started(app_name="a")
        assert task(second)["result"]["cached"] is task(third)["result"]["cached"] is True

    def test_its_end_is_announced(self, account: Account, earlier: str) -> None:
        task_id = started(app_name="a")
        (row,) = [row for row in account.rows() if row["task_id"] == task_id]
        assert RowField.UNSETTLED not in row

    def test_a_zip_whatever_its_name(self, account: Account) -> None:
        content = zip_of(app__py=SOURCE, spin__toml=b"x")
        build(account, started(file=("one.zip", content)))
        assert task(started(file=("two.zip", content), app_name="other"))["status"] == "done"

    def test_no_running_place_is_needed(self, account: Account, earlier: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LIMITS_RUNNING_BUILDS", "1")
        settings.reset()
        started(app_name="another")
        assert upload(app_name="another-one")["statusCode"] == 429
        assert task(started(app_name="a"))["status"] == "done"

    def test_a_large_source_need_not_be_sent(self, account: Account, earlier: str) -> None:
        answer = body_of(
            announce(
                {
                    "workspace_id": WORKSPACE,
                    "file_name": "app.py",
                    "app_name": "a",
                    "size": len(SOURCE),
                    "sha256": hashlib.sha256(SOURCE).hexdigest(),
                }
            )
        )
        assert answer["status"] == "done"
        assert answer["upload"] is None
        source = f"build-sources/{WORKSPACE}/{answer['task_id']}/app.py"
        assert boto3.client("s3").get_object(Bucket=BUCKET, Key=source)["Body"].read() == SOURCE

    def test_a_source_dropped_into_s3(self, account: Account, earlier: str) -> None:
        key = f"uploads/{WORKSPACE}/a/app.py"
        answer: dict[str, str] | None = ingest.handler(created(key, account.put(key, SOURCE)), LambdaContext())
        assert answer is not None
        assert task(answer["task_id"])["result"]["cached"] is True

    def test_a_checksum_that_s3_has_saves_reading(self, account: Account, earlier: str) -> None:
        key = f"uploads/{WORKSPACE}/a/app.py"
        checksum = base64.b64encode(hashlib.sha256(SOURCE).digest()).decode()
        put = boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=io.BytesIO(SOURCE), ChecksumSHA256=checksum)
        answer: dict[str, str] | None = ingest.handler(created(key, put["VersionId"]), LambdaContext())
        assert answer is not None
        assert task(answer["task_id"])["status"] == "done"


class TestBuiltAnew:
    @pytest.mark.parametrize(
        "changed",
        [
            {"file": ("app.py", b"x = 2\n"), "app_name": "a"},
            {"app_name": "b"},
            {},
            {"file": ("other.py", SOURCE), "app_name": "a"},
            {"app_name": "a", "registry_url": OTHER_REPOSITORY, "username": "AWS", "password": "p"},
        ],
    )
    def test_when_anything_differs(self, account: Account, earlier: str, changed: dict[str, Any]) -> None:
        assert is_built_anew(account, started(**changed))

    def test_in_another_workspace(self, account: Account, earlier: str) -> None:
        assert is_built_anew(account, started(app_name="a", workspace_id="other-workspace"), "other-workspace")

    def test_with_another_toolchain(self, account: Account, earlier: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TOOLCHAIN_ID", "toolchain-2")
        settings.reset()
        assert is_built_anew(account, started(app_name="a"))

    def test_when_the_image_is_gone(self, account: Account, earlier: str) -> None:
        account.remove_image("0123456789abcdef")
        assert is_built_anew(account, started(app_name="a"))

    def test_when_the_tag_names_another_image_now(self, account: Account, earlier: str) -> None:
        account.remove_image("0123456789abcdef")
        account.push_image("0123456789abcdef", "something else")
        assert is_built_anew(account, started(app_name="a"))

    def test_when_the_earlier_task_was_deleted(self, account: Account, earlier: str) -> None:
        request("DELETE", f"/api/v1/tasks/{earlier}", workspace_id=WORKSPACE)
        assert is_built_anew(account, started(app_name="a"))

    def test_when_the_component_is_gone(self, account: Account, earlier: str) -> None:
        for key, version in account.versions(f"build-artifacts/{earlier}/"):
            boto3.client("s3").delete_object(Bucket=BUCKET, Key=key, VersionId=version)
        assert is_built_anew(account, started(app_name="a"))

    def test_while_the_first_is_not_done(self, account: Account) -> None:
        first, second = started(app_name="a"), started(app_name="a")
        assert is_built_anew(account, second)
        failed(first)
        assert is_built_anew(account, started(app_name="a"))


@pytest.mark.parametrize(("days", "reused"), [("1", True), ("0", False)])
def test_an_image_that_may_expire_before_the_task_does_is_not_taken_over(
    account: Account, earlier: str, monkeypatch: pytest.MonkeyPatch, days: str, reused: bool
) -> None:
    monkeypatch.setenv("IMAGE_REUSE_DAYS", days)
    settings.reset()
    task_id = started(app_name="a")
    assert (task(task_id)["status"] == "done") is reused
    assert reused or is_built_anew(account, task_id)
