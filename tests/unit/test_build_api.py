"""POST /api/v1/build-and-push, GET /api/v1/tasks/{task_id}: what is accepted, what is refused, what stays behind."""

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from functions.contracts.archive import MOST_ENTRIES
from functions.tenancy.workspace import NO_ROUTE
from tests.security.service import archives
from tests.support.aws_account import BUCKET, OTHER_REPOSITORY, OWN_REPOSITORY, Account
from tests.support.build_api import PASSWORD, SOURCE, call, upload, zip_of
from tests.support.events import body_of, http_event, upload_event
from tests.support.tasks import RESULT, done, failed


class TestAcceptedUpload:
    def test_answers_202_with_the_documented_body(self, account: Account) -> None:
        answer = upload(app_name="my-function")
        body = body_of(answer)
        assert answer["statusCode"] == 202
        assert list(body) == ["task_id", "status", "message", "source_s3_path"]
        assert uuid.UUID(body["task_id"]).version == 7
        assert body["status"] == "pending"
        assert body["message"] == "Build and push task created"
        assert body["source_s3_path"] == f"s3://{BUCKET}/build-sources/my-workspace/{body['task_id']}/"

    def test_stores_source_row_and_execution(self, account: Account) -> None:
        task_id = body_of(upload(app_name="my-function"))["task_id"]
        key = f"build-sources/my-workspace/{task_id}/app.py"
        assert account.keys() == [key]
        assert boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read() == SOURCE
        (row,) = account.rows()
        assert row["status"] == "pending"
        assert row["app_name"] == "my-function"
        assert row["image_repository"] == OWN_REPOSITORY
        assert account.executions() == [task_id]

    def test_the_execution_input_says_which_task_and_of_what_and_no_secret(self, account: Account) -> None:
        fields: dict[str, Any] = {"registry_url": OTHER_REPOSITORY, "username": "AWS", "password": PASSWORD}
        task_id = body_of(upload(app_name="my-function", **fields))["task_id"]
        client = boto3.client("stepfunctions")
        arn = client.list_executions(stateMachineArn=account.state_machine_arn)["executions"][0]["executionArn"]
        given = json.loads(client.describe_execution(executionArn=arn)["input"])
        ids = {"workspace_id": "my-workspace", "task_id": task_id}
        assert given == {**ids, "file_name": "app.py", "app_name": "my-function"}

    @pytest.mark.parametrize("name", ["my-function.py", "my_function.py", "111.py", "한글.py", "APP.PY", "a b.py"])
    def test_any_python_file_name(self, account: Account, name: str) -> None:
        answer = upload((name, SOURCE))
        assert answer["statusCode"] == 202, answer["body"]
        assert account.keys()[0].endswith("/" + name)

    def test_a_zip(self, account: Account) -> None:
        assert upload(("app.zip", zip_of(app__py=SOURCE)))["statusCode"] == 202

    def test_the_password_is_kept_only_encrypted(self, account: Account) -> None:
        task_id = body_of(upload(registry_url=OTHER_REPOSITORY, username="AWS", password=PASSWORD))["task_id"]
        (row,) = account.rows()
        sealed = row["registry_credentials"].value
        assert PASSWORD.encode() not in sealed
        opened = boto3.client("kms").decrypt(CiphertextBlob=sealed, EncryptionContext={"task_id": task_id})
        assert json.loads(opened["Plaintext"]) == {"username": "AWS", "password": PASSWORD}

    def test_blank_optional_fields_count_as_absent(self, account: Account) -> None:
        answer = upload(app_name="", registry_url="", username="", password="")
        assert answer["statusCode"] == 202, answer["body"]
        assert "app_name" not in account.rows()[0]


class TestRefusedUpload:
    """Each is a clear 4xx, and nothing is left behind."""

    @pytest.mark.parametrize(
        ("file", "status", "says"),
        [
            (None, 422, "file"),
            (("app.py", b""), 400, "empty"),
            (("app.txt", SOURCE), 400, "only .py and .zip"),
            (("app", SOURCE), 400, "only .py and .zip"),
            ((".py", SOURCE), 400, "only .py and .zip"),
            (("app.zip", b"not a zip"), 400, "not a ZIP archive"),
            (("app.zip", b"PK\x03\x04 truncated"), 400, "not a ZIP archive"),
            (("../app.py", SOURCE), 400, "'/'"),
            (("a\\app.py", SOURCE), 400, "'/'"),
            (("x" * 210 + ".py", SOURCE), 400, "longer than 200 bytes"),
        ],
    )
    def test_files(self, account: Account, file: tuple[str, bytes] | None, status: int, says: str) -> None:
        self._refused(account, upload(file), status, says)

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (lambda: archives.named("../x"), "leaves its folder"),
            (lambda: archives.link("/etc/shadow"), "not a plain file"),
            (lambda: archives.names("a.py", "A.py"), "two names for one file"),
            (archives.encrypted, "encrypted"),
            (lambda: archives.named("가".encode("cp949")), "not UTF-8"),
            (archives.bomb, "entries overlap"),
            (lambda: archives.many_entries(MOST_ENTRIES), "more than 10,000 entries"),
        ],
    )
    def test_archives_that_nobody_would_unpack(self, account: Account, content: Callable[[], bytes], says: str) -> None:
        self._refused(account, upload(("app.zip", content())), 400, says)

    def test_as_many_entries_as_an_archive_may_have(self, account: Account) -> None:
        assert upload(("app.zip", archives.many_entries(MOST_ENTRIES - 1)))["statusCode"] == 202

    @pytest.mark.parametrize("field", ["workspace_id", "app_name"])
    @pytest.mark.parametrize("value", ["a/b", "..", "a..b", "a\nb", "a\x00b", "-a", "a-", ".", "한글", "x" * 64, "a b"])
    def test_names(self, account: Account, field: str, value: str) -> None:
        fields: dict[str, Any] = {field: value}
        self._refused(account, upload(**fields), 422, field)

    def test_names_of_the_full_length_are_fine(self, account: Account) -> None:
        assert upload(workspace_id="w" * 63, app_name="a" * 63)["statusCode"] == 202

    def test_no_workspace(self, account: Account) -> None:
        self._refused(account, call(upload_event({"app_name": "a"}, ("app.py", SOURCE))), 422, "workspace_id")

    @pytest.mark.parametrize(
        "url",
        [
            "https://host.example.com/app",
            "app",
            "localhost",
            "host.example.com/App",
            "host.example.com/app:tag",
            "/app",
        ],
    )
    def test_registry_references(self, account: Account, url: str) -> None:
        answer = upload(registry_url=url, username="AWS", password=PASSWORD)
        self._refused(account, answer, 422, "registry_url")

    def test_a_registry_outside_the_allow_list(self, account: Account) -> None:
        answer = upload(registry_url="evil.example.com/app", username="AWS", password=PASSWORD)
        self._refused(account, answer, 403, "evil.example.com/app")

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"registry_url": OTHER_REPOSITORY, "username": "AWS"}, "password is empty"),
            ({"registry_url": OTHER_REPOSITORY, "password": PASSWORD}, "username is empty"),
            ({"registry_url": OTHER_REPOSITORY}, "needs username and password"),
            ({"username": "AWS", "password": PASSWORD}, "registry_url"),
            ({"registry_url": OTHER_REPOSITORY, "username": "AWS", "password": "x" * 4097}, "4,096 bytes"),
        ],
    )
    def test_half_credentials(self, account: Account, fields: dict[str, Any], says: str) -> None:
        self._refused(account, upload(**fields), 422, says)

    def test_an_unknown_field_is_named(self, account: Account) -> None:
        self._refused(account, upload(app_nmae="typo"), 422, "app_nmae")

    def test_a_file_in_place_of_text(self, account: Account) -> None:
        event = upload_event({"workspace_id": "w"}, ("app.py", SOURCE))
        raw = http_event("POST", event["rawPath"], headers=event["headers"], body=_decoded(event))
        swapped = _decoded(raw).replace(b'name="workspace_id"', b'name="workspace_id"; filename="w"')
        answer = call(http_event("POST", event["rawPath"], headers=event["headers"], body=swapped))
        self._refused(account, answer, 422, "workspace_id")

    def test_a_body_that_is_no_form(self, account: Account) -> None:
        headers = {"content-type": "text/csv"}
        self._refused(account, call(http_event("POST", "/api/v1/build-and-push", headers=headers, body=b"x")), 415, "")

    def test_multipart_without_boundary(self, account: Account) -> None:
        headers = {"content-type": "multipart/form-data"}
        answer = call(http_event("POST", "/api/v1/build-and-push", headers=headers, body=b"x"))
        self._refused(account, answer, 400, "boundary")

    def test_fields_that_are_not_utf8(self, account: Account) -> None:
        event = upload_event({"workspace_id": "QQ"}, ("app.py", SOURCE))
        body = _decoded(event).replace(b"QQ", b"\xff\xfe")
        answer = call(http_event("POST", event["rawPath"], headers=event["headers"], body=body))
        self._refused(account, answer, 400, "UTF-8")

    def test_the_size_limit_on_both_sides(self, account: Account) -> None:
        overhead = len(_decoded(upload_event({"workspace_id": "my-workspace"}, ("app.py", b""))))
        self._refused(account, upload(("app.py", b"#" * (2_000_001 - overhead))), 413, "2,000,000 bytes")
        assert upload(("app.py", b"#" * (2_000_000 - overhead)))["statusCode"] == 202

    def test_no_answer_repeats_the_password(self, account: Account) -> None:
        answers = [
            upload(registry_url=OTHER_REPOSITORY, password=PASSWORD),
            upload(registry_url="evil.example.com/app", username="AWS", password=PASSWORD),
            upload(workspace_id="a/b", registry_url=OTHER_REPOSITORY, username="AWS", password=PASSWORD),
        ]
        assert all(PASSWORD not in json.dumps(answer) for answer in answers)

    @staticmethod
    def _refused(account: Account, answer: dict[str, Any], status: int, says: str) -> None:
        assert answer["statusCode"] == status, answer["body"]
        assert list(body_of(answer)) == ["detail"]
        assert says in answer["body"]
        assert account.is_empty()


class TestStartFailure:
    def test_the_task_ends_failed_and_the_answer_says_try_again(
        self, account: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with account.without_state_machine():
            answer = upload()
        assert answer["statusCode"] == 503
        assert answer["headers"]["Retry-After"] == "5"
        (row,) = account.rows()
        assert row["status"] == "failed"


class TestGetTask:
    def test_a_running_task_in_the_documented_form(self, account: Account) -> None:
        task_id = body_of(upload())["task_id"]
        answer = get(task_id)
        assert answer["statusCode"] == 200
        body = body_of(answer)
        assert list(body)[:4] == ["task_id", "status", "result", "error"]
        assert [body[name] for name in list(body)[:4]] == [task_id, "pending", None, None]
        assert (body["app_name"], body["errors"]) == (None, None)
        assert body["created_at"] == body["updated_at"] == account.rows()[0]["created_at"]

    def test_a_done_task(self, account: Account) -> None:
        task_id = body_of(upload())["task_id"]
        done(task_id, RESULT.model_copy(update={"duration_ms": {"push": 1500}}))
        body = body_of(get(task_id))
        assert body["status"] == "done"
        assert body["result"]["wasm_path"] == "s3://b/app.wasm"
        assert body["result"]["image_url"] == "host/repo:tag"
        assert body["result"]["duration"] == {"push": 1.5}
        assert body["error"] is None

    def test_a_failed_task(self, account: Account) -> None:
        task_id = body_of(upload())["task_id"]
        error = "MyPy validation failed: app.py:10: error: Incompatible types"
        failed(task_id, error)
        body = body_of(get(task_id))
        assert [body[name] for name in list(body)[:4]] == [task_id, "failed", None, error]

    @pytest.mark.parametrize("task_id", ["550e8400-e29b-41d4-a716-446655440000", "nonsense", "%2e%2e"])
    def test_an_unknown_task_is_404(self, account: Account, task_id: str) -> None:
        answer = get(task_id)
        assert answer["statusCode"] == 404
        assert "not found" in body_of(answer)["detail"]

    def test_another_workspace_sees_nothing(self, account: Account) -> None:
        task_id = body_of(upload())["task_id"]
        assert get(task_id, "other-workspace")["statusCode"] == 404

    def test_the_workspace_is_required(self, account: Account) -> None:
        answer = call(http_event("GET", "/api/v1/tasks/x"))
        assert answer["statusCode"] == 422
        assert "workspace_id" in answer["body"]


class TestOtherRequests:
    def test_health(self, account: Account) -> None:
        assert body_of(call(http_event("GET", "/health"))) == {"status": "ok"}

    def test_unknown_paths_have_the_same_form_of_error(self, account: Account) -> None:
        answer = call(http_event("GET", "/api/v2/nothing"))
        assert answer["statusCode"] == 404
        assert body_of(answer) == {"detail": NO_ROUTE}
        assert "/docs" in NO_ROUTE

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("GET", "/api/v1/build-and-push", "POST"),
            ("PATCH", "/api/v1/tasks/x", "DELETE, GET"),
            ("PUT", "/api/v1/apps/default/my-function", "DELETE, GET"),
            ("POST", "/health", "GET"),
        ],
    )
    def test_another_method_of_a_known_path(self, account: Account, method: str, path: str, allowed: str) -> None:
        answer = call(http_event(method, path))
        assert answer["statusCode"] == 405
        assert answer["headers"]["Allow"] == allowed
        assert allowed in body_of(answer)["detail"]


def get(task_id: str, workspace_id: str = "my-workspace") -> dict[str, Any]:
    return call(http_event("GET", f"/api/v1/tasks/{task_id}", query={"workspace_id": workspace_id}))


def _decoded(event: dict[str, Any]) -> bytes:
    return base64.b64decode(event["body"])
