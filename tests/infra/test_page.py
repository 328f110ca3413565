"""The page in the template: served where it is asked for, open to everybody, told where its users sign in."""

import json
from pathlib import Path

import pydantic
import pytest

from functions.models.page import PageConfig
from local.cloud.assembly import OVERRIDES
from tests.infra.conftest import OTHER, stack_with, synthesis
from tests.infra.reading import resources
from tests.infra.test_api_and_storage import routes

PAGE = {"GET /ui", "GET /ui/{file+}"}


def told(**changed: object) -> str:
    """The build function's variable PAGE."""
    functions = resources(synthesis(**changed).template, "AWS::Lambda::Function").values()
    (page,) = [
        function["Environment"]["Variables"]["PAGE"]
        for function in functions
        if "PAGE" in function.get("Environment", {}).get("Variables", {})
    ]
    return str(page)


def test_as_shipped_there_is_no_page() -> None:
    assert not PAGE & set(routes(synthesis().template))
    assert json.loads(told()) is None


def test_with_tokens_the_page_is_told_where_they_come_from() -> None:
    template = synthesis(**OTHER).template
    assert {routes(template)[path] for path in PAGE} == {"NONE"}
    page = PageConfig.model_validate_json(told(**OTHER))
    assert page.access == "sign_in"
    assert page.sign_in is not None
    assert page.sign_in.issuer == "https://issuer.example.com"
    assert page.sign_in.token_endpoint == "https://login.example.com/oauth2/token"


def test_on_one_machine_nobody_signs_in() -> None:
    page = PageConfig.model_validate_json(told(**OVERRIDES))
    assert (page.access, page.sign_in) == ("open", None)


SIGN_IN = {"client_id": "page", "authorization_endpoint": "https://x/authorize", "token_endpoint": "https://x/token"}
JWT = {"blue-faas.authorizer": "jwt", "blue-faas.jwt": {"issuer": "https://x", "audience": ["a"]}}
NONE = {"blue-faas.authorizer": "none", "blue-faas.tenancy": "open"}


@pytest.mark.parametrize(
    "changed",
    [
        {"blue-faas.ui": {}},
        {**JWT, "blue-faas.ui": {}},
        {**NONE, "blue-faas.ui": {"sign_in": SIGN_IN}},
        {**JWT, "blue-faas.ui": {"sign_in": {**SIGN_IN, "scopes": ["profile"]}}},
        {**JWT, "blue-faas.ui": {"sign_in": {**SIGN_IN, "token_endpoint": "http://x/token"}}},
        {**JWT, "blue-faas.ui": {"sign_in": {**SIGN_IN, "token_endpoint": "//x/token"}}},
        {**JWT, "blue-faas.ui": {"sign_in": {**SIGN_IN, "client_id": ""}}},
    ],
)
def test_a_page_that_nobody_could_use_stops_the_synthesis(tmp_path: Path, changed: dict[str, object]) -> None:
    with pytest.raises(pydantic.ValidationError, match=r"ui"):
        stack_with(changed, tmp_path)
