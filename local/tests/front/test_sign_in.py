"""The issuer's sign-in, stricter than issuers are: what it asks of a client, and what a code is good for."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from starlette.applications import Starlette

from local.cloud import issuer
from local.cloud.issuer import AUDIENCE, ISSUER, PAGE_CLIENT, PATH, key_of
from local.front import sign_in
from local.front.sign_in import SignIn
from tests.support.background import serve

HOST = "127.0.0.1:8000"  # what the browser asked for; the server itself listens on any free port
BASE = f"http://{HOST}"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
ASKED = {
    "response_type": "code",
    "client_id": PAGE_CLIENT,
    "redirect_uri": f"{BASE}/ui",
    "scope": "openid",
    "state": "s1",
    "nonce": "n1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run's key."""
    file = tmp_path_factory.mktemp("issuer") / "key.json"
    issuer.make_key(file)
    return file


@pytest.fixture
def client(key: Path) -> Iterator[httpx.Client]:
    """A browser that follows nothing by itself."""
    app = Starlette(routes=SignIn(key).routes())
    with serve(app) as url, httpx.Client(base_url=url, headers={"Host": HOST}) as made:
        yield made


def code(client: httpx.Client, **asked: str) -> dict[str, list[str]]:
    """Sign in as dana; returns the answer's query."""
    form = client.get(f"{PATH}/authorize", params={**ASKED, **asked})
    (request,) = re.findall(r'name="request" value="([^"]+)"', form.text)
    answer = client.post(
        f"{PATH}/authorize", data={"request": request, "subject": "dana", "workspaces": "team-a team-b"}
    )
    assert answer.status_code == 303
    return parse_qs(urlsplit(answer.headers["location"]).query)


def exchanged(client: httpx.Client, given: str, **changed: str) -> tuple[int, dict[str, str]]:
    """Exchange a code."""
    form = {
        "grant_type": "authorization_code",
        "code": given,
        "redirect_uri": f"{BASE}/ui",
        "client_id": PAGE_CLIENT,
        "code_verifier": VERIFIER,
    }
    answer = client.post(f"{PATH}/token", data={**form, **changed})
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json()


def test_a_code_becomes_tokens_once(client: httpx.Client, key: Path) -> None:
    query = code(client)
    assert (query["state"], query["iss"]) == (["s1"], [ISSUER])
    status, tokens = exchanged(client, query["code"][0])
    assert (status, tokens["token_type"]) == (200, "Bearer")
    access = jwt.decode(tokens["access_token"], key_of(key)).claims
    assert (access["sub"], access["aud"], access["workspaces"]) == ("dana", AUDIENCE, ["team-a", "team-b"])
    identity = jwt.decode(tokens["id_token"], key_of(key)).claims
    assert (identity["sub"], identity["aud"], identity["nonce"], identity["iss"]) == ("dana", PAGE_CLIENT, "n1", ISSUER)
    assert exchanged(client, query["code"][0])[1]["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": VERIFIER[:-1] + "x"}, "invalid_grant"),
        ({"code_verifier": CHALLENGE}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_grant"),
        ({"redirect_uri": f"{BASE}/other"}, "invalid_grant"),
        ({"client_id": "other"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_secret": "x"}, "invalid_request"),
    ],
)
def test_who_cannot_show_where_a_code_comes_from_gets_nothing(
    client: httpx.Client, changed: dict[str, str], error: str
) -> None:
    given = code(client)["code"][0]
    status, answer = exchanged(client, given, **changed)
    assert (status, answer["error"]) == (400, error)
    if error == "invalid_grant":
        assert exchanged(client, given)[1]["error"] == "invalid_grant", "the code is gone"


@pytest.mark.parametrize(("age", "status"), [(sign_in.CODE_SECONDS - 1, 200), (sign_in.CODE_SECONDS + 1, 400)])
def test_a_code_grows_old(client: httpx.Client, monkeypatch: pytest.MonkeyPatch, age: int, status: int) -> None:
    now = [1000.0]
    monkeypatch.setattr("local.front.sign_in.time.monotonic", lambda: now[0])
    given = code(client)["code"][0]
    now[0] += age
    assert exchanged(client, given)[0] == status


@pytest.mark.parametrize(
    "changed", [{"client_id": "other"}, {"redirect_uri": "https://evil.example/ui"}, {"redirect_uri": f"{BASE}/ui/"}]
)
def test_nobody_is_sent_to_a_stranger(client: httpx.Client, changed: dict[str, str]) -> None:
    answer = client.get(f"{PATH}/authorize", params={**ASKED, **changed})
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "x"}, "invalid_request"),
        ({"state": ""}, "invalid_request"),
        ({"nonce": ""}, "invalid_request"),
        ({"prompt": "none"}, "invalid_request"),
    ],
)
def test_the_page_is_told_what_it_asks_wrongly(client: httpx.Client, changed: dict[str, str], error: str) -> None:
    answer = client.get(f"{PATH}/authorize", params={**ASKED, **changed})
    target = urlsplit(answer.headers["location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == ASKED["redirect_uri"]
    assert parse_qs(target.query)["error"] == [error]


@pytest.mark.parametrize("name", ASKED)
def test_every_parameter_is_there_once(client: httpx.Client, name: str) -> None:
    without = {other: value for other, value in ASKED.items() if other != name}
    twice = [*ASKED.items(), (name, ASKED[name])]
    for query in (without, twice):
        answer = client.get(f"{PATH}/authorize", params=urlencode(query))
        assert answer.status_code in (303, 400)
        assert "<form" not in answer.text


def test_a_sign_in_is_answered_once(client: httpx.Client) -> None:
    form = client.get(f"{PATH}/authorize", params=ASKED)
    (request,) = re.findall(r'name="request" value="([^"]+)"', form.text)
    answer = {"request": request, "subject": "dana", "workspaces": ""}
    assert client.post(f"{PATH}/authorize", data=answer).status_code == 303
    assert client.post(f"{PATH}/authorize", data=answer).status_code == 400
    assert client.post(f"{PATH}/authorize", data={**answer, "request": "made-up"}).status_code == 400


def test_a_public_client_has_no_credentials(client: httpx.Client) -> None:
    answer = client.post(f"{PATH}/token", data={"code": code(client)["code"][0]}, auth=("page", "secret"))
    assert answer.json()["error"] == "invalid_client"
    assert client.post(f"{PATH}/token", json={}).json()["error"] == "invalid_request"
