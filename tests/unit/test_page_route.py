"""GET /ui: the page where an installation serves one, held to its own origin and the issuer's."""

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.contracts import settings
from functions.models.page import PageConfig, SignIn
from functions.ui.files import STATIC, StaticFile, find
from tests.support.aws_account import Account
from tests.support.build_api import call
from tests.support.events import http_event

OPEN = PageConfig(access="open", request_bytes=4_500_000, deploys=True)
SIGN_IN = SignIn(
    issuer="https://issuer.example.com",
    client_id="page",
    authorization_endpoint="https://login.example.com/authorize",
    token_endpoint="https://login.example.com:8443/oauth2/token",
    scopes=["openid"],
)
FILES = [path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.*") if path.suffix in (".js", ".css", ".svg")]

Get = Callable[..., dict[str, Any]]


@pytest.fixture
def get(account: Account, monkeypatch: pytest.MonkeyPatch) -> Get:
    """Asks an installation that is told this of its page."""

    def asked(path: str, page: PageConfig | None = OPEN, **headers: str) -> dict[str, Any]:
        monkeypatch.setenv("PAGE", "null" if page is None else page.model_dump_json())
        settings.reset()
        return call(http_event("GET", path, headers=headers))

    return asked


def policy(answer: dict[str, Any]) -> dict[str, str]:
    """The Content-Security-Policy, by directive."""
    return dict(part.split(" ", 1) for part in answer["headers"]["Content-Security-Policy"].split("; "))


def test_the_page_is_served(get: Get) -> None:
    answer = get("/ui")
    assert answer["statusCode"] == 200
    assert answer["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert answer["headers"]["Cache-Control"] == "no-cache"
    assert "<script>" not in answer["body"]
    assert "style=" not in answer["body"]


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_served_as_it_is(get: Get, name: str) -> None:
    answer = get(f"/ui/{name}", **{"accept-encoding": "gzip"})
    assert answer["statusCode"] == 200
    assert gzip.decompress(base64.b64decode(answer["body"])).decode() == (STATIC / name).read_text("utf-8")


@pytest.mark.parametrize("path", ["/ui", "/ui/main.js", "/ui/vendor/preact.js", "/ui/config.json"])
def test_without_a_page_there_is_nothing(get: Get, path: str) -> None:
    answer = get(path, None)
    assert (answer["statusCode"], list(json.loads(answer["body"]))) == (404, ["detail"])


@pytest.mark.parametrize(
    "path",
    [
        "/ui/x.js",
        "/ui/vendor/.made-from",
        "/ui/vendor/preact.LICENSE",
        "/ui/../files.py",
        "/ui/%2e%2e/files.py",
        "/ui/texts",
    ],
)
def test_nothing_else_is_a_file_of_it(get: Get, path: str) -> None:
    assert get(path)["statusCode"] == 404


@given(st.text(st.sampled_from("abz./\\-%_0"), max_size=30))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    assert find(name) is None or (STATIC / name).resolve().is_relative_to(STATIC)


def test_what_a_browser_has_is_not_sent_again(get: Get) -> None:
    tag = get("/ui/main.js")["headers"]["ETag"]
    answer = get("/ui/main.js", **{"if-none-match": f'"other", W/{tag}', "accept-encoding": "gzip"})
    assert answer["statusCode"] == 304
    assert not answer.get("body")
    assert answer["headers"]["ETag"] == tag
    assert get("/ui/main.js", **{"if-none-match": '"other"'})["statusCode"] == 200


def test_a_tag_is_of_the_content() -> None:
    tags = {found.etag for found in map(find, FILES) if isinstance(found, StaticFile)}
    assert len(tags) == len(FILES)


@pytest.mark.parametrize("path", ["/ui", "/ui/main.js", "/ui/config.json"])
def test_the_page_may_call_its_own_origin_alone(get: Get, path: str) -> None:
    assert policy(get(path)) == {
        "default-src": "'self'",
        "connect-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


def test_where_users_sign_in_the_page_may_call_the_token_endpoint_too(get: Get) -> None:
    page = PageConfig(access="sign_in", sign_in=SIGN_IN, request_bytes=1, deploys=False)
    assert policy(get("/ui", page))["connect-src"] == "'self' https://login.example.com:8443"
    assert policy(get("/ui", page))["default-src"] == "'self'"
    of_its_own = page.model_copy(update={"sign_in": SIGN_IN.model_copy(update={"token_endpoint": "/issuer/token"})})
    assert policy(get("/ui", of_its_own))["connect-src"] == "'self'"


def test_the_page_is_told_what_the_installation_is(get: Get) -> None:
    page = PageConfig(access="sign_in", sign_in=SIGN_IN, request_bytes=1, deploys=False)
    answer = get("/ui/config.json", page)
    assert PageConfig.model_validate_json(answer["body"]) == page
    assert answer["headers"]["Cache-Control"] == "no-store"
