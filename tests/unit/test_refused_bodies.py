"""Every request that takes a body, with every kind of body that is none of its own: what the caller is told to send."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from pydantic import BaseModel, Field, ValidationError

from functions.handlers import deploy as deploy_function
from functions.models.requests import RequestModel
from functions.models.schema_errors import reason
from tests.support.aws_account import Account
from tests.support.build_api import call
from tests.support.client import ROOT
from tests.support.events import LambdaContext, body_of, http_event, upload_event
from tests.support.isolation import REQUESTS, Target, operations

FORM, JSON, URL_ENCODED = "multipart/form-data", "application/json", "application/x-www-form-urlencoded"
LIBRARY: Final = re.compile(r"should (?:be|have|match)|Value error|Extra inputs|pydantic|ident\b")
"""Words of the libraries that read a request, which are about types of Python."""
DESCRIPTION: Final = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
TARGET: Final = Target("my-workspace")
WITH_JSON: Final = [name for name, made in REQUESTS.items() if made(TARGET).body is not None]
WRONG: Final[list[Any]] = [True, 3, 1.5, -1, "", "x y", "한글", "a" * 600, [], [3], {}, {"a": 3}, [None]]


def send(operation: str, body: bytes, content_type: str = JSON) -> dict[str, Any]:
    """The answer to an operation with some body."""
    method = operation.partition(" ")[0]
    event = http_event(method, REQUESTS[operation](TARGET).path, headers={"content-type": content_type}, body=body)
    if operations()[operation] != "Apps":
        return call(event)
    answer = deploy_function.handler(event, LambdaContext())
    return {**answer, "statusCode": int(answer["statusCode"])}


def told(answer: dict[str, Any]) -> list[str]:
    """What the caller reads."""
    detail = body_of(answer)["detail"]
    return [detail] if isinstance(detail, str) else [each["msg"] for each in detail]


def example_in(text: str) -> Any:
    """The JSON that a text ends with, in quotes of a shell or without."""
    return json.loads(text[text.index("{") : text.rindex("}") + 1])


@pytest.fixture(autouse=True)
def _account(account: Account) -> None:
    pass


def test_every_body_of_the_description_is_tried() -> None:
    described = {
        f"{method.upper()} {path}"
        for path, methods in DESCRIPTION["paths"].items()
        for method, operation in methods.items()
        if JSON in operation.get("requestBody", {}).get("content", {})
    }
    assert described == set(WITH_JSON)


@pytest.mark.parametrize("operation", WITH_JSON)
class TestWhereJsonIsTaken:
    @pytest.mark.parametrize("content_type", ["text/plain", "application/xml", f"{FORM}; boundary=x"])
    def test_another_type_is_told_the_whole_line(self, operation: str, content_type: str) -> None:
        answer = send(operation, b"namespace=default", content_type)
        assert answer["statusCode"] == 415
        (said,) = told(answer)
        assert "curl -H 'Content-Type: application/json' -d '{" in said
        assert send(operation, json.dumps(example_in(said)).encode())["statusCode"] not in (415, 422)

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [
            (URL_ENCODED, b"namespace=default"),
            (JSON, b"{namespace: default}"),
            (JSON, b"{'namespace': 'default'}"),
            (JSON, b'{"namespace": "default",}'),
            (JSON, b"hello"),
            (JSON, b"[]"),
            (JSON, b'"text"'),
            (JSON, b"3"),
            (JSON, b"true"),
        ],
    )
    def test_what_is_no_object_is_told_one(self, operation: str, content_type: str, body: bytes) -> None:
        answer = send(operation, body, content_type)
        assert answer["statusCode"] == 422
        (said,) = told(answer)
        assert not LIBRARY.search(said)
        assert example_in(said[said.index("such as") :]), said

    @pytest.mark.parametrize("body", [b"", b" \n", b"null"])
    def test_nothing(self, operation: str, body: bytes) -> None:
        answer = send(operation, body)
        if operation.endswith("/rollback"):  # which goes one back by itself
            assert answer["statusCode"] not in (415, 422)
            return
        assert answer["statusCode"] == 422
        (said,) = told(answer)
        assert said.startswith("Field required: curl -H")

    def test_no_value_is_answered_in_the_words_of_a_library(self, operation: str) -> None:
        for field, value in _fields_with_wrong_values(operation):
            fitting = REQUESTS[operation](TARGET).body or {}
            answer = send(operation, json.dumps({**fitting, field: value}).encode())
            if answer["statusCode"] == 422:
                for said in told(answer):
                    assert not LIBRARY.search(said), (field, value, said)
                assert not re.search(r"function-|constrained-", answer["body"]), (field, value, answer["body"])


def _fields_with_wrong_values(operation: str) -> Iterator[tuple[str, Any]]:
    method, path = operation.split(" ")
    content = DESCRIPTION["paths"][path][method.lower()]["requestBody"]["content"][JSON]["schema"]
    names = re.findall(r"schemas/(\w+)", json.dumps(content))
    for name in names:
        for field in DESCRIPTION["components"]["schemas"][name]["properties"]:
            for value in WRONG:
                yield field, value


@pytest.mark.parametrize("content_type", [JSON, URL_ENCODED, "text/plain", ""])
def test_a_source_without_a_form_is_told_the_whole_line(content_type: str) -> None:
    answer = call(
        http_event("POST", "/api/v1/build-and-push", headers={"content-type": content_type}, body=b'{"file": "app.py"}')
    )
    assert answer["statusCode"] == 415
    assert "multipart/form-data: curl -F file=@app.py -F workspace_id=my-workspace" in told(answer)[0]


@pytest.mark.parametrize("block", ["namespace=default", "[]", '"default"', '{"namespace": "default", "replicas": "2"}'])
def test_a_deploy_block_of_a_form(block: str) -> None:
    answer = call(upload_event({"workspace_id": "w", "deploy": block}, ("app.py", b"x = 1\n")))
    assert answer["statusCode"] == 422
    (said,) = told(answer)
    assert not LIBRARY.search(said)
    assert "such as {" in said or said == "Expected a whole number, without quotes, got text"


@pytest.mark.parametrize(
    ("path", "query", "says"),
    [
        ("/api/v1/tasks/x", {}, "Field required: add workspace_id=… to the query of the URL"),
        ("/api/v1/tasks/x", {"workspace_id": "w", "wait": "long"}, "Expected a whole number"),
        ("/api/v1/tasks/x", {"workspace_id": "w", "wait": "1000"}, "Expected 25 at most"),
        ("/api/v1/workspaces/w/tasks", {"limit": "0"}, "Expected 1 or more"),
    ],
)
def test_parameters_of_a_query(path: str, query: dict[str, str], says: str) -> None:
    answer = call(http_event("GET", path, query=query))
    assert told(answer) == [says]


@pytest.mark.parametrize(
    ("value", "place", "says"),
    [
        (3, [], "Expected text in double quotes, got a number"),
        ([], [], "Expected text in double quotes, got a list"),
        ("a" * 4097, [], "Too many characters: 4096 at most"),
        ({"secret": 1, "key": "k"}, ["secret"], "Expected text in double quotes, got a number"),
        ({"secret": "s"}, ["key"], "Field required"),
        (
            {"secret": "s", "key": "k", "kye": "k"},
            ["kye"],
            "Unknown field; did you mean 'key'? Known fields: secret, key",
        ),
    ],
)
def test_a_variable_is_told_of_the_one_kind_that_it_can_be(value: Any, place: list[str], says: str) -> None:
    body = {"namespace": "default", "image_ref": TARGET.image, "variables": {"name": value}}
    answer = send("POST /api/v1/deploy", json.dumps(body).encode())
    assert [(each["loc"], each["msg"]) for each in body_of(answer)["detail"]] == [
        (["body", "variables", "name", *place], says)
    ]


class _Inner(RequestModel):
    count: int = Field(ge=1, le=3)


class _Outer(RequestModel):
    inner: _Inner
    name: str = Field(min_length=2, max_length=3)
    names: list[str] = Field(default=[], min_length=1, max_length=1)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"inner": {"count": "1"}}, ["Expected a whole number, without quotes, got text", "Field required"]),
        ({"inner": 3, "name": "ab"}, ["Expected a JSON object, {...}, got a number"]),
        ({"inner": {"count": 4}, "name": "a"}, ["Expected 3 at most", "Too few characters: 2 at least"]),
        ({"inner": {"count": 0}, "name": "abcd"}, ["Expected 1 or more", "Too many characters: 3 at most"]),
        ({"inner": {"count": 1}, "name": "ab", "names": []}, ["Too few entries: 1 at least"]),
        ({"inner": {"count": 1}, "name": "ab", "names": ["a", "b"]}, ["Too many entries: 1 at most"]),
        # Beside an unknown field all sentences are made by the model itself, once.
        (
            {"inner": {"count": 9, "counts": 1}, "name": "abcd", "nam": 1},
            [
                "Expected 3 at most",
                "Unknown field; did you mean 'count'? Known fields: count",
                "Too many characters: 3 at most",
                "Unknown field; did you mean 'name'? Known fields: inner, name, names",
            ],
        ),
    ],
)
def test_the_sentences(body: dict[str, Any], says: list[str]) -> None:
    model: type[BaseModel] = _Outer
    with pytest.raises(ValidationError) as refused:
        model.model_validate(body, strict=True)
    assert [reason(each) for each in refused.value.errors()] == says
