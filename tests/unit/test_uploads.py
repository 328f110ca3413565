"""Announced uploads: where the file is to be sent, what holds it to its word, and how its build starts by itself."""

import base64
import hashlib
import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from functions.aws import clients
from functions.handlers import ingest
from functions.tasks.code_bucket import CodeBucket
from tests.support.aws_account import BUCKET, OTHER_REPOSITORY, Account
from tests.support.build_api import PASSWORD, SOURCE, WORKSPACE, announce, task
from tests.support.events import LambdaContext, body_of
from tests.support.tasks import failed
from tests.unit.test_ingest import created

DIGEST = hashlib.sha256(SOURCE).digest()
BASE64 = base64.b64encode(DIGEST).decode()
MOST = 200 * 1024 * 1024


def body(**changed: Any) -> dict[str, Any]:
    return {"workspace_id": WORKSPACE, "file_name": "app.py", "size": len(SOURCE), "sha256": BASE64} | changed


def announced(**changed: Any) -> dict[str, Any]:
    answer = announce(body(**changed))
    assert answer["statusCode"] == 201, answer["body"]
    return body_of(answer)


def send(account: Account, task_id: str, content: bytes = SOURCE, name: str = "app.py") -> dict[str, Any]:
    """What S3 does when the file arrives: it keeps it, with its checksum, and tells EventBridge."""
    key = f"uploads-staged/{WORKSPACE}/{task_id}/{name}"
    version = boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content, ChecksumAlgorithm="SHA256")
    return created(key, version["VersionId"])


def deliver(event: dict[str, Any]) -> dict[str, str] | None:
    answer: dict[str, str] | None = ingest.handler(event, LambdaContext())
    return answer


class TestAnnouncement:
    def test_makes_a_task_that_waits(self, account: Account) -> None:
        answer = announced(app_name="my-function")
        assert list(answer) == ["task_id", "status", "source_s3_path", "upload", "warning"]
        assert answer["status"] == "pending"
        assert task(answer["task_id"])["status"] == "pending"
        (row,) = account.rows()
        assert row["app_name"] == "my-function"
        assert int(row["upload_expires_at"]) == pytest.approx(time.time() + 30 * 60, abs=5)
        assert account.executions() == []

    def test_the_url_is_for_one_put_of_this_size_and_checksum(self, account: Account) -> None:
        answer = announced()
        target = answer["upload"]
        url = urlsplit(target["url"])
        query = parse_qs(url.query)
        assert target["method"] == "PUT"
        assert url.path.endswith(f"/uploads-staged/{WORKSPACE}/{answer['task_id']}/app.py")
        signed = query["X-Amz-SignedHeaders"][0].split(";")
        assert {"content-length", "host", "x-amz-checksum-sha256"} <= set(signed)
        assert target["headers"] == {"Content-Length": str(len(SOURCE)), "x-amz-checksum-sha256": BASE64}
        assert 0 < int(query["X-Amz-Expires"][0]) <= 30 * 60

    @pytest.mark.parametrize("sha256", [DIGEST.hex(), DIGEST.hex().upper(), BASE64])
    def test_checksums_in_either_form(self, account: Account, sha256: str) -> None:
        assert announced(sha256=sha256)["upload"]["headers"]["x-amz-checksum-sha256"] == BASE64

    def test_the_size_limit_on_both_sides(self, account: Account) -> None:
        assert announce(body(size=MOST))["statusCode"] == 201
        answer = announce(body(size=MOST + 1))
        assert answer["statusCode"] == 413
        assert "209,715,200" in body_of(answer)["detail"]

    @pytest.mark.parametrize(
        "changed",
        [
            {"size": 0},
            {"size": -1},
            {"size": "6"},
            {"size": 1.5},
            {"sha256": "abc"},
            {"sha256": DIGEST.hex()[:-1]},
            {"sha256": base64.b64encode(DIGEST[:-1]).decode()},
            {"file_name": "../app.py"},
            {"file_name": "app.txt"},
            {"workspace_id": "a/b"},
            {"app_name": "a/b"},
            {"registry_url": "https://host/app"},
            {"registry_url": OTHER_REPOSITORY, "username": "AWS"},
            {"filename": "typo.py"},
        ],
    )
    def test_unusable_announcements(self, account: Account, changed: dict[str, Any]) -> None:
        answer = announce(body(**changed))
        assert answer["statusCode"] == 422, answer["body"]
        assert list(body_of(answer)) == ["detail"]
        assert account.is_empty()

    def test_a_registry_outside_the_allow_list(self, account: Account) -> None:
        changed = {"registry_url": "evil.example.com/app", "username": "AWS", "password": PASSWORD}
        assert announce(body(**changed))["statusCode"] == 403
        assert account.is_empty()

    def test_the_password_is_kept_only_encrypted_and_never_answered(self, account: Account) -> None:
        changed = {"registry_url": OTHER_REPOSITORY, "username": "AWS", "password": PASSWORD}
        answer = announce(body(**changed))
        assert PASSWORD not in json.dumps(answer)
        (row,) = account.rows()
        sealed = row["registry_credentials"].value
        opened = boto3.client("kms").decrypt(CiphertextBlob=sealed, EncryptionContext={"task_id": row["task_id"]})
        assert json.loads(opened["Plaintext"]) == {"username": "AWS", "password": PASSWORD}


class TestArrival:
    def test_the_build_starts_by_itself(self, account: Account) -> None:
        task_id = announced()["task_id"]
        assert deliver(send(account, task_id)) == {"task_id": task_id}
        assert account.executions() == [task_id]
        stored = f"build-sources/{WORKSPACE}/{task_id}/app.py"
        assert boto3.client("s3").get_object(Bucket=BUCKET, Key=stored)["Body"].read() == SOURCE
        (row,) = account.rows()
        assert "upload_expires_at" not in row

    def test_three_times_is_one_build(self, account: Account) -> None:
        event = send(account, announced()["task_id"])
        assert all(deliver(event) for _ in range(3))
        assert len(account.executions()) == 1

    def test_a_file_with_another_checksum_ends_the_task(self, account: Account) -> None:
        task_id = announced()["task_id"]
        assert deliver(send(account, task_id, b"something else")) is None
        assert task(task_id)["status"] == "failed"
        assert "SHA-256" in task(task_id)["error"]
        assert account.executions() == []

    def test_a_file_that_nobody_waits_for(self, account: Account) -> None:
        assert deliver(send(account, "01a20fe6-bb1b-747b-ac1d-6d7ba8fb4677")) is None
        assert account.executions() == []

    def test_a_cancelled_task_is_not_started(self, account: Account) -> None:
        task_id = announced()["task_id"]
        failed(task_id, "cancelled")
        assert deliver(send(account, task_id)) is None
        assert account.executions() == []

    def test_another_workspaces_task_cannot_be_reached(self, account: Account) -> None:
        task_id = announced()["task_id"]
        key = f"uploads-staged/other-workspace/{task_id}/app.py"
        version = boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=SOURCE, ChecksumAlgorithm="SHA256")
        assert deliver(created(key, version["VersionId"])) is None
        assert account.executions() == []


class TestIdempotency:
    def test_the_same_key_is_the_same_task_with_a_usable_url(self, account: Account) -> None:
        first, second = (body_of(announce(body(), key="k")) for _ in range(2))
        assert first["task_id"] == second["task_id"]
        assert second["upload"]["url"]
        assert len(account.rows()) == 1

    def test_once_it_has_arrived_there_is_nothing_to_send(self, account: Account) -> None:
        first = body_of(announce(body(), key="k"))
        deliver(send(account, first["task_id"]))
        assert body_of(announce(body(), key="k"))["upload"] is None

    def test_another_file_under_the_same_key(self, account: Account) -> None:
        announce(body(), key="k")
        assert announce(body(size=7), key="k")["statusCode"] == 422


@pytest.mark.parametrize(
    ("region", "domain"),
    [
        ("ap-northeast-2", "s3.ap-northeast-2.amazonaws.com"),
        ("us-west-2", "s3.us-west-2.amazonaws.com"),
        ("eu-central-1", "s3.eu-central-1.amazonaws.com"),
        ("me-south-1", "s3.me-south-1.amazonaws.com"),
        ("cn-north-1", "s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_the_upload_goes_to_the_regions_own_host(
    account: Account, monkeypatch: pytest.MonkeyPatch, region: str, domain: str
) -> None:
    """The global host redirects requests for new buckets, and the signature does not allow to follow."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    clients.reset()
    try:
        url = CodeBucket(BUCKET).presigned_put("k", size=1, sha256="", seconds=60)
    finally:
        clients.reset()
    assert urlsplit(url).hostname == f"{BUCKET}.{domain}"
