"""The API's description: made from the code, checked in, served, and complete."""

import base64
import gzip
import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from pydantic import TypeAdapter, ValidationError

from functions.api import idempotency_key
from functions.api.routes import apps
from functions.contracts import settings as function_settings
from functions.contracts.names import ImageRepository, SourceAppName, WorkspaceId
from functions.handlers import builds, deploy, health
from functions.models import deploy as deploys
from functions.models.builds import Sha256, UploadRequest
from functions.models.principals import Principal
from functions.models.workspaces import WorkspaceWritten
from functions.tasks.identifiers import new_task_id
from functions.tasks.paging import token_for
from infra.tools import openapi
from infra.tools.build_folder import ROOT
from tests.support.aws_account import Account
from tests.support.build_api import call, request
from tests.support.events import body_of, http_event

METHODS = {"get", "post", "put", "delete", "patch"}
DOCUMENT: Final = openapi.describe()
SCHEMAS: Final = DOCUMENT["components"]["schemas"]
REQUESTS: Final = (
    "BuildForm",
    "UploadRequest",
    "DeployRequest",
    "DeployOptions",
    "RollbackRequest",
    "WorkspaceWritten",
)


def operations() -> Iterator[dict[str, Any]]:
    for item in DOCUMENT["paths"].values():
        yield from (operation for method, operation in item.items() if method in METHODS)


def of_type(schema: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    """The parts of a schema that are of a type: itself, one of its choices, its items or values."""
    if schema.get("type") == kind:
        yield schema
    parts = [*schema.get("anyOf", []), schema.get("items", {}), schema.get("additionalProperties", {})]
    for part in parts:
        if isinstance(part, dict) and part:
            yield from of_type(part, kind)


def inputs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Whatever a caller sends, by name."""
    for operation in operations():
        for parameter in operation.get("parameters", []):
            yield f"{operation['operationId']}.{parameter['name']}", parameter["schema"]
    for name in REQUESTS:
        yield from ((f"{name}.{field}", schema) for field, schema in SCHEMAS[name]["properties"].items())


def test_the_checked_in_description_is_what_the_code_says() -> None:
    assert openapi.DESCRIPTION.read_text(encoding="utf-8") == openapi.text(), "run: python -m infra.tools.openapi"


def test_it_is_valid_openapi() -> None:
    validate(json.loads(openapi.text()))


def test_one_title_one_version_one_licence() -> None:
    packages = [tomllib.loads((ROOT / part / "pyproject.toml").read_text("utf-8"))["project"] for part in ("", "cli")]
    assert {DOCUMENT["info"]["version"]} == {package["version"] for package in packages}
    assert {DOCUMENT["info"]["license"]["identifier"]} == {package["license"] for package in packages}
    assert DOCUMENT["info"]["title"] == "Blue FaaS"


def test_tags_are_in_the_order_of_use() -> None:
    tags = [tag["name"] for tag in DOCUMENT["tags"]]
    assert tags == ["Builds", "Tasks", "Apps", "Workspaces", "Administration", "Service"]
    used = [operation["tags"] for operation in operations()]
    assert [tags.index(name) for (name,) in used] == sorted(tags.index(name) for (name,) in used)
    first = [operation["operationId"] for operation in operations()]
    assert first[0] == "buildAndPush"
    assert first.index("deploy") < first.index("listApps")


def test_every_route_of_all_functions_is_described() -> None:
    described = {(method, path) for path, item in DOCUMENT["paths"].items() for method in item if method in METHODS}
    routes = {
        (route.method.lower(), re.sub(r"<(\w+)>", r"{\1}", str(route.path)))
        for app in (builds.app, deploy.app, health.app)
        for route in (*app._static_routes, *app._dynamic_routes)
        if route.include_in_schema
    }
    assert described == routes


def test_every_reference_leads_somewhere() -> None:
    assert set(re.findall(r'"#/components/schemas/(\w+)"', openapi.text())) <= SCHEMAS.keys()


def test_a_form_requires_what_has_no_default_and_sends_no_null() -> None:
    form = SCHEMAS["BuildForm"]
    assert form["required"] == ["file", "workspace_id"]
    assert {field.get("type", "object") for field in form["properties"].values()} == {"string", "object"}
    assert form["properties"]["app_name"]["maxLength"] == 63


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for operation in operations()]
    assert len(ids) == len(set(ids))


def test_links_lead_to_operations_and_their_parameters() -> None:
    takes = {
        operation["operationId"]: {parameter["name"] for parameter in operation.get("parameters", [])}
        for operation in operations()
    }
    links = [
        link
        for operation in operations()
        for answer in operation["responses"].values()
        for link in answer.get("links", {}).values()
    ]
    assert len(links) > 10
    assert all(link["parameters"].keys() <= takes[link["operationId"]] for link in links)


def test_every_field_parameter_and_operation_is_described_by_a_sentence() -> None:
    described = {
        **{operation["operationId"]: operation for operation in operations()},
        **{
            f"{operation['operationId']}.{parameter['name']}": parameter
            for operation in operations()
            for parameter in operation.get("parameters", [])
        },
        **{
            f"{name}.{field}": schema
            for name, model in SCHEMAS.items()
            for field, schema in model.get("properties", {}).items()
        },
    }
    assert [name for name, found in described.items() if not found.get("description", "").endswith(".")] == []


def test_every_text_and_number_that_a_caller_sends_has_its_limits() -> None:
    texts = {"pattern", "format", "enum", "const", "maxLength"}
    without = [name for name, schema in inputs() for text in of_type(schema, "string") if not texts & text.keys()]
    assert without == []
    least = {"minimum", "exclusiveMinimum"}
    assert [
        name for name, schema in inputs() for number in of_type(schema, "integer") if not least & number.keys()
    ] == []


def test_requests_have_no_defaults_for_clients_to_send() -> None:
    assert [
        name for name, schema in inputs() if "." in name and name.split(".")[0] in REQUESTS and "default" in schema
    ] == []


def test_every_model_has_an_example_that_fits_it() -> None:
    assert [name for name, model in SCHEMAS.items() if "properties" in model and "examples" not in model] == []
    for name, model in SCHEMAS.items():
        whole = {**model, "components": {"schemas": SCHEMAS}}
        for example in model.get("examples", []):
            assert [error.message for error in OAS31Validator(whole).iter_errors(example)] == [], name


@pytest.mark.parametrize(
    "model",
    [UploadRequest, deploys.DeployRequest, deploys.DeployOptions, WorkspaceWritten],
    ids=lambda model: model.__name__,
)
def test_examples_of_requests_are_accepted(model: Any) -> None:
    for example in SCHEMAS[model.__name__]["examples"]:
        model.model_validate(example)


SPELLED: Final = {
    "workspace": WorkspaceId,
    "source app": SourceAppName,
    "app": deploys.KubernetesAppName,
    "namespace": deploys.Namespace,
    "repository": ImageRepository,
    "image": deploys.FullImageReference,
    "label": deploys.LabelValue,
    "object": deploys.ObjectName,
    "entry": deploys.SecretEntry,
    "variable": deploys.VariableName,
    "cpu": deploys.Cpu,
    "sha256": Sha256,
    "principal": Principal,
    "replica": apps.ReplicaName,
    "log time": apps.LogTime,
    "key": idempotency_key.Key,
}
_few = settings(max_examples=40, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", SPELLED)
@_few
@given(data=st.data())
def test_a_pattern_says_what_is_accepted(name: str, data: st.DataObject) -> None:
    adapter: TypeAdapter[str] = TypeAdapter(SPELLED[name])
    schema = adapter.json_schema()
    pattern, longest = schema["pattern"], schema.get("maxLength", 100)
    text = data.draw(
        st.from_regex(pattern.removesuffix("$") + r"\Z") | st.text(max_size=20) | st.sampled_from(["", "a..b", "A_b"])
    )
    assume(name != "image" or len(text) < 200)  # a pattern does not count the characters of the repository in it
    fits = re.search(pattern.removesuffix("$") + r"\Z", text) is not None and len(text) <= longest
    told = ""
    try:
        adapter.validate_python(text)
    except ValidationError as error:
        told = error.errors()[0]["msg"]
    assert (told == "") == fits
    assert "pattern" not in told


def test_patterns_fit_what_the_service_gives_itself() -> None:
    assert re.search(SCHEMAS["Task"]["properties"]["task_id"]["pattern"], new_task_id())
    token = next(each for each in SCHEMAS["TaskPage"]["properties"]["next"]["anyOf"] if each["type"] == "string")
    assert re.search(token["pattern"], token_for(new_task_id()))


class TestServed:
    @pytest.fixture(autouse=True)
    def _account(self, account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        self.patch = monkeypatch
        yield
        function_settings.reset()

    def under(self, authorizer: str) -> None:
        self.patch.setenv("AUTHORIZER", authorizer)
        function_settings.reset()

    def page(self) -> str:
        answer = call(http_event("GET", "/docs", headers={"accept-encoding": "gzip"}))
        assert answer["statusCode"] == 200
        assert answer["headers"]["Content-Type"].startswith("text/html")
        assert len(answer["body"]) < 1_000_000
        return gzip.decompress(base64.b64decode(answer["body"])).decode()

    @pytest.mark.parametrize("authorizer", ["iam", "jwt", "none"])
    def test_with_the_way_to_say_who_calls_that_the_installation_takes(self, authorizer: str) -> None:
        self.under(authorizer)
        answer = request("GET", "/openapi.json")
        assert answer["headers"]["Content-Type"].startswith("application/json")
        served, written = body_of(answer), json.loads(openapi.DESCRIPTION.read_text(encoding="utf-8"))
        assert served["components"].pop("securitySchemes", {}).keys() == {authorizer} - {"none"}
        assert served.pop("security") == [{name: []} for name in {authorizer} - {"none"}]
        del written["security"], written["components"]["securitySchemes"]
        if authorizer == "none":  # nobody is an administrator
            written["paths"] = {path: each for path, each in written["paths"].items() if "/admin/" not in path}
            written["tags"] = [tag for tag in written["tags"] if tag["name"] != "Administration"]
        assert served == written

    @pytest.mark.parametrize(("authorizer", "status"), [("iam", 405), ("jwt", 405), ("none", 404)])
    def test_a_path_for_administrators_is_told_where_there_are_any(self, authorizer: str, status: int) -> None:
        self.under(authorizer)
        assert request("DELETE", "/api/v1/admin/workspaces")["statusCode"] == status

    def test_docs_is_a_page_that_asks_no_other_host(self) -> None:
        page = self.page()
        head, _, rest = page.partition("<body>")
        assert "<title>Blue FaaS API</title>" in head
        assert 'rel="icon" href="data:image/svg+xml' in head
        assert not re.search(r"""<(?:script|link)[^>]+(?:src|href)="(?!data:)""", head)
        assert "/api/v1/build-and-push" in rest

    def test_docs_fills_in_only_what_a_form_requires(self) -> None:
        """Swagger UI sends the examples of all fields, of a registry that nobody has too."""
        form = json.loads(self.page().partition("  ...")[2].partition(",\n  presets")[0])["spec"]["components"][
            "schemas"
        ]["BuildForm"]
        examples = {name: field.get("examples") for name, field in form["properties"].items()}
        assert examples.pop("file") is None
        assert examples.pop("workspace_id") == ["my-workspace"]
        assert set(map(tuple, examples.values())) == {("",)}
        assert all(field["type"] == "string" for field in form["properties"].values())

    def test_docs_offers_to_try_only_what_can_be_tried(self) -> None:
        assert '"supportedSubmitMethods"' not in self.page()
        self.under("iam")
        page = self.page()
        assert '"supportedSubmitMethods": []' in page
        assert "awsSigv4" not in page
        assert "`blue deploy app.py`" in page
        self.under("jwt")
        assert '"supportedSubmitMethods"' not in self.page()

    @pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
    def test_a_browser_that_has_it_gets_it_once(self, path: str) -> None:
        first = request("GET", path)
        tag = first["headers"]["ETag"]
        again = call(http_event("GET", path, headers={"if-none-match": tag, "accept-encoding": "gzip"}))
        assert again["statusCode"] == 304
        assert "body" not in again
        assert call(http_event("GET", path, headers={"if-none-match": 'W/"other"'}))["statusCode"] == 200

    def test_the_root_leads_to_the_page(self) -> None:
        answer = request("GET", "/")
        assert (answer["statusCode"], answer["headers"]["Location"]) == (302, "/docs")
