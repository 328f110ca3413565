"""Bodies as clients send them: what is taken, and what is refused with which words. Nothing is a 5xx."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from functions.api.multipart_form import MOST_PARTS, UnreadableFormError, read_form
from tests.support import clients
from tests.support.aws_account import Account
from tests.support.build_api import announcement, call
from tests.support.clients import BOUNDARY, DOTNET_WORKSPACE, WORKSPACE, Part, disposition, file_part
from tests.support.events import body_of, http_event

FORM = f"multipart/form-data; boundary={BOUNDARY}"


def send(body: bytes, content_type: str = FORM, path: str = "/api/v1/build-and-push") -> dict[str, Any]:
    return call(http_event("POST", path, headers={"content-type": content_type}, body=body))


def announce(body: bytes, content_type: str = "application/json") -> dict[str, Any]:
    return send(body, content_type, "/api/v1/uploads")


class TestFormsOfClients:
    @pytest.mark.parametrize(
        ("rest", "stored"),
        [
            ('name="file"; filename="app.py"', "app.py"),
            ("name=file; filename=app.py", "app.py"),
            ("name=file; filename=app.py; filename*=utf-8''app.py", "app.py"),
            ('filename="app.py"; name="file"', "app.py"),
            ("name=\"file\"; filename*=utf-8''%ED%95%9C%EA%B8%80.py", "한글.py"),
            ('name="file"; filename="__.py"; filename*=UTF-8\'ko\'%ED%95%9C%EA%B8%80.py', "한글.py"),
            ("name=file; filename*=euc-kr''%C7%D1%B1%DB.py", "한글.py"),
            ('name="file"; filename="한글.py"', "한글.py"),
            (r'name="file"; filename="my \"app\".py"', 'my "app".py'),
            ('name="file"; filename="my %22app%22.py"', 'my "app".py'),
            ('name="file"; filename="100%.py"', "100%.py"),
            ('name="file"; filename="a;b; name=c.py"', "a;b; name=c.py"),
            ('NAME="file" ; FileName="app.py"', "app.py"),
        ],
    )
    def test_names_of_files(self, account: Account, rest: str, stored: str) -> None:
        answer = send(clients.body(file_part(rest), WORKSPACE))
        assert answer["statusCode"] == 202, answer["body"]
        assert account.keys()[0].rpartition("/")[2] == stored

    def test_a_name_in_the_code_page_of_korean_windows(self, account: Account) -> None:
        answer = send(clients.body(file_part('name="file"; filename="한글.py"'), WORKSPACE, charset="cp949"))
        assert answer["statusCode"] == 202, answer["body"]
        assert account.keys()[0].endswith("/한글.py")

    @pytest.mark.parametrize(
        ("content_type", "parts"),
        [
            ("Multipart/Form-Data; Boundary=XyZ1", [WORKSPACE]),
            ('multipart/form-data; charset=utf-8; boundary="XyZ1"', [WORKSPACE]),
            ("multipart/form-data;boundary=XyZ1", [DOTNET_WORKSPACE]),
        ],
    )
    def test_media_types(self, account: Account, content_type: str, parts: list[Part]) -> None:
        answer = send(clients.body(file_part('name="file"; filename="app.py"'), *parts), content_type)
        assert answer["statusCode"] == 202, answer["body"]

    def test_text_around_the_parts(self, account: Account) -> None:
        body = b"preamble\r\n" + clients.body(file_part('name="file"; filename="app.py"'), WORKSPACE) + b"epilogue"
        assert send(body)["statusCode"] == 202

    @pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
    def test_a_blob_of_a_browser(self, account: Account, content_type: str) -> None:
        headers = (disposition('name="deploy"; filename="blob"'), f"Content-Type: {content_type}")
        blob = Part(headers, b'{"namespace": "default"}')
        answer = send(clients.body(file_part('name="file"; filename="app.py"'), WORKSPACE, blob))
        assert answer["statusCode"] == (202 if content_type == "application/json" else 422), answer["body"]

    def test_a_password_with_the_line_break_of_a_shell(self, account: Account) -> None:
        fields = {
            "registry_url": b"217350599014.dkr.ecr.ap-northeast-2.amazonaws.com/app",
            "username": b"AWS\n",
            "password": b"s3cret\r\n",
        }
        parts = [Part((disposition(f'name="{name}"'),), value) for name, value in fields.items()]
        answer = send(clients.body(file_part('name="file"; filename="app.py"'), WORKSPACE, *parts))
        assert answer["statusCode"] == 202, answer["body"]


class TestRefusedForms:
    @pytest.mark.parametrize(
        ("body", "status", "says"),
        [
            (b"--XyZ1\r\n", 400, "cannot be read"),
            (clients.body(WORKSPACE)[:-8], 400, "cannot be read"),
            (clients.body(WORKSPACE).replace(b"\r\n", b"\n"), 400, "cannot be read"),
            (clients.body(Part(("Content-Type: text/plain",), b"x")), 400, "Content-Disposition"),
            (clients.body(Part(("Content-Disposition: attachment; name=a",), b"x")), 400, "Content-Disposition"),
            (clients.body(Part((disposition("x=y"),), b"x")), 400, "no name"),
            (clients.body(Part((disposition('name="a"'), disposition('name="b"')), b"x")), 400, "twice"),
            (clients.body(file_part("name=file; filename*=utf-8''%ff.py"), WORKSPACE), 400, "filename*"),
            (clients.body(file_part("name=file; filename*=klingon''a.py"), WORKSPACE), 400, "klingon"),
            (clients.body(file_part("name=file; filename=app.py"), WORKSPACE, WORKSPACE), 422, "more than once"),
            (clients.body(Part((disposition("name=workspace_id"),), b"\xff")), 400, "'workspace_id' is not UTF-8"),
            (clients.body(file_part('name=file; filename="a%0D%0A.py"'), WORKSPACE), 400, "control characters"),
            (clients.body(file_part('name=file; filename="C:\\dir\\app.py"'), WORKSPACE), 400, "'/'"),
            (b"", 400, "cannot be read"),
        ],
    )
    def test_the_reason_is_told(self, account: Account, body: bytes, status: int, says: str) -> None:
        answer = send(body)
        assert answer["statusCode"] == status, answer["body"]
        assert says in answer["body"]
        assert account.is_empty()

    @pytest.mark.parametrize("boundary", ["", "boundary=", 'boundary=""', "boundary=" + "x" * 201, "boundary*=x''%ff"])
    def test_boundaries(self, account: Account, boundary: str) -> None:
        answer = send(clients.body(WORKSPACE), f"multipart/form-data; {boundary}")
        assert answer["statusCode"] == 400
        assert "Content-Type" in body_of(answer)["detail"]

    def test_a_content_type_that_no_client_writes(self, account: Account) -> None:
        assert send(b"{}", "application/json; a=" + "b" * 10_240)["statusCode"] == 415

    def test_as_many_parts_as_a_form_may_have(self) -> None:
        parts = [Part((disposition(f"name=a{number}"),), b"") for number in range(MOST_PARTS + 1)]
        assert len(read_form(clients.body(*parts[:-1]), BOUNDARY)) == MOST_PARTS
        with pytest.raises(UnreadableFormError, match=f"more than {MOST_PARTS} parts"):
            read_form(clients.body(*parts), BOUNDARY)

    @pytest.mark.parametrize("field", ["username", "password"])
    def test_control_characters_in_credentials(self, account: Account, field: str) -> None:
        part = Part((disposition(f"name={field}"),), b"s3cret\x00")
        answer = send(clients.body(file_part("name=file; filename=app.py"), WORKSPACE, part))
        assert answer["statusCode"] == 422
        assert "control characters" in answer["body"]
        assert "s3cret" not in answer["body"]


class TestJson:
    @pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; Charset=UTF-8", "", "text/json"])
    def test_media_types(self, account: Account, content_type: str) -> None:
        answer = announce(json.dumps(announcement()).encode(), content_type)
        assert answer["statusCode"] == (415 if content_type == "text/json" else 201), answer["body"]

    def test_a_byte_order_mark(self, account: Account) -> None:
        assert announce(json.dumps(announcement()).encode("utf-8-sig"))["statusCode"] == 201

    @pytest.mark.parametrize("blank", [None, ""])
    def test_blank_fields_count_as_left_out(self, account: Account, blank: str | None) -> None:
        optional = dict.fromkeys(["app_name", "registry_url", "username", "password", "deploy"], blank)
        assert announce(json.dumps(announcement(**optional)).encode())["statusCode"] == 201

    @pytest.mark.parametrize(
        ("body", "says"),
        [
            (b"[{}, {}]", "got a list"),
            (b'"text"', "got text"),
            (b"7", "got a number"),
            (b"{", "Not valid JSON"),
            (b"{} {}", "Not valid JSON"),
            (b'{"size": NaN}', "Not valid JSON"),
            (b"[" * 100_000, "Not valid JSON"),
            (b'{"a":' * 20_000, "Not valid JSON"),
            (b'{"size": ' + b"9" * 5000 + b"}", "Not valid JSON"),
            (b'{"a": "\xff"}', "Not valid JSON"),
            (b'{"a": "\\ud800"}', "Not valid JSON"),
            (b'{"workspace_id": \xea\xb0\x80\'', "Not valid JSON"),
            (b"", "Field required"),
            (b"null", "Field required"),
        ],
    )
    def test_what_is_no_object(self, account: Account, body: bytes, says: str) -> None:
        event = http_event("POST", "/api/v1/uploads", headers={"content-type": "application/octet-stream"}, body=body)
        event["headers"]["content-type"] = "application/json"
        answer = call(event)
        assert answer["statusCode"] == 422, answer["body"]
        assert says in answer["body"]

    @pytest.mark.parametrize("path", ["/api/v1/uploads", "/api/v1/build-and-push"])
    def test_no_schema_is_made_for_a_request_that_fits(
        self, account: Account, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        monkeypatch.setattr(BaseModel, "model_json_schema", lambda *_, **__: pytest.fail("made a schema"))
        deploy = {"namespace": "default"}
        if path == "/api/v1/uploads":
            answer = announce(json.dumps(announcement(deploy=deploy)).encode())
        else:
            block = Part((disposition('name="deploy"'),), json.dumps(deploy).encode())
            answer = send(clients.body(file_part("name=file; filename=app.py"), WORKSPACE, block))
        assert answer["statusCode"] in (201, 202), answer["body"]

    def test_a_form_where_json_is_taken_and_the_reverse(self, account: Account) -> None:
        assert send(clients.body(WORKSPACE), path="/api/v1/uploads")["statusCode"] == 415
        assert send(b"{}", "application/json")["statusCode"] == 415

    def test_an_answer_about_many_unknown_fields_is_short(self, account: Account) -> None:
        answer = announce(json.dumps({**announcement(), **{f"{'x' * 200}{n}": 1 for n in range(4_000)}}).encode())
        assert answer["statusCode"] == 422
        assert len(answer["body"]) < 10_000
        assert body_of(answer)["detail"][-1]["msg"] == "3,980 more problems like these"

    @pytest.mark.parametrize("kind", ["deploy_block_array", "deploy_block_deep", "deploy_block_digits"])
    def test_a_deploy_block_in_a_form_follows_the_same_rules(self, account: Account, kind: str) -> None:
        block = {"array": "[{}]", "deep": "[" * 100_000, "digits": "9" * 5000}[kind.rpartition("_")[2]]
        part = Part((disposition("name=deploy"),), block.encode())
        answer = send(clients.body(file_part("name=file; filename=app.py"), WORKSPACE, part))
        assert answer["statusCode"] == 422, answer["body"]
        assert body_of(answer)["detail"][0]["loc"][:2] == ["body", "deploy"]


class TestIdentifiers:
    @pytest.mark.parametrize("task_id", ["x" * 3000, "%00", "550E8400-E29B-41D4-A716-446655440000", "{}", "é" * 700])
    @pytest.mark.parametrize(("method", "suffix"), [("GET", ""), ("DELETE", ""), ("GET", "/logs")])
    def test_an_id_that_this_service_never_gave_is_404(
        self, account: Account, task_id: str, method: str, suffix: str
    ) -> None:
        path = f"/api/v1/tasks/{task_id}{suffix}"
        assert call(http_event(method, path, query={"workspace_id": "w"}))["statusCode"] == 404

    def test_query_parameters_without_a_value_count_as_left_out(self, account: Account) -> None:
        query = {"next": "", "limit": ""}
        assert call(http_event("GET", "/api/v1/workspaces/w/tasks", query=query))["statusCode"] == 200


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.one_of(
        st.binary(max_size=300),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda value: st.lists(value) | st.dictionaries(st.text(), value),
        ).map(lambda value: json.dumps(value).encode()),
        st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=20)), max_size=4).map(
            lambda parts: clients.body(*(Part((disposition(f'name="{n}"'),), c) for n, c in parts), charset="utf-16-le")
        ),
    ),
    content_type=st.sampled_from([FORM, "application/json", "text/plain", "", "multipart/form-data; boundary=--"])
    | st.text(max_size=30),
    path=st.sampled_from(["/api/v1/build-and-push", "/api/v1/uploads"]),
)
def test_no_body_is_a_server_error(account: Account, body: bytes, content_type: str, path: str) -> None:
    event = http_event("POST", path, headers={"content-type": "application/octet-stream"}, body=body)
    event["headers"]["content-type"] = content_type
    assert 400 <= call(event)["statusCode"] < 500
