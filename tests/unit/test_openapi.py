"""The API's description: made from the code, checked in, served, and complete."""

import base64
import gzip
import json
import re

from functions.handlers import builds, deploy, health
from infra.tools import openapi
from tests.support.aws_account import Account
from tests.support.build_api import call
from tests.support.events import body_of, http_event

METHODS = {"get", "post", "put", "delete", "patch"}


def test_the_checked_in_description_is_what_the_code_says() -> None:
    assert openapi.DESCRIPTION.read_text(encoding="utf-8") == openapi.text(), "run: python -m infra.tools.openapi"


def test_every_route_of_all_functions_is_described() -> None:
    described = {
        (method, path) for path, item in openapi.describe()["paths"].items() for method in item if method in METHODS
    }
    routes = {
        (route.method.lower(), re.sub(r"<(\w+)>", r"{\1}", str(route.path)))
        for app in (builds.app, deploy.app, health.app)
        for route in (*app._static_routes, *app._dynamic_routes)
        if route.include_in_schema
    }
    assert described == routes


def test_every_reference_leads_somewhere() -> None:
    text = openapi.text()
    schemas = json.loads(text)["components"]["schemas"]
    assert set(re.findall(r'"#/components/schemas/(\w+)"', text)) <= schemas.keys()


def test_a_form_requires_what_has_no_default_and_sends_no_null() -> None:
    form = openapi.describe()["components"]["schemas"]["Body_buildAndPush"]
    assert form["required"] == ["file", "workspace_id"]
    assert {field["type"] for field in form["properties"].values()} == {"string"}
    assert form["properties"]["app_name"]["maxLength"] == 63


def test_operation_ids_are_unique() -> None:
    ids = [
        operation["operationId"]
        for item in openapi.describe()["paths"].values()
        for method, operation in item.items()
        if method in METHODS
    ]
    assert len(ids) == len(set(ids))


def test_it_is_served_as_it_is_checked_in(account: Account) -> None:
    answer = call(http_event("GET", "/openapi.json"))
    assert answer["statusCode"] == 200
    assert answer["headers"]["Content-Type"].startswith("application/json")
    assert body_of(answer) == json.loads(openapi.DESCRIPTION.read_text(encoding="utf-8"))


def test_docs_is_a_page_that_asks_no_other_host(account: Account) -> None:
    answer = call(http_event("GET", "/docs", headers={"accept-encoding": "gzip"}))
    assert answer["statusCode"] == 200
    assert answer["headers"]["Content-Type"].startswith("text/html")
    assert len(answer["body"]) < 6_000_000
    page = gzip.decompress(base64.b64decode(answer["body"])).decode()
    assert "swagger-ui" in page
    assert "/api/v1/build-and-push" in page
    assert not re.search(r"""<(?:script|link)[^>]+(?:src|href)=""", page.split("<body>")[0])


def test_every_field_parameter_and_operation_is_described_by_a_sentence() -> None:
    document = openapi.describe()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    described = {
        **{operation["operationId"]: operation for operation in operations},
        **{
            f"{operation['operationId']}.{parameter['name']}": parameter
            for operation in operations
            for parameter in operation.get("parameters", [])
        },
        **{
            f"{name}.{field}": schema
            for name, model in document["components"]["schemas"].items()
            for field, schema in model.get("properties", {}).items()
        },
    }
    assert [name for name, found in described.items() if not found.get("description", "").endswith(".")] == []
