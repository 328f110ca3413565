"""The device flow of the run's issuer, stricter than issuers are, on a clock that the tests turn."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from joserfc import jwt
from starlette.applications import Starlette

from local.cloud import issuer
from local.cloud.issuer import AUDIENCE, CLI_CLIENT, DEVICE_PATH, ISSUER, key_of
from local.front.device import CODE_SECONDS, DEVICE_GRANT, INTERVAL_SECONDS, SLOWER_SECONDS, DeviceSignIn
from tests.support.background import serve
from tests.support.client import PATIENCE

REQUEST = {"client_id": CLI_CLIENT, "scope": "openid offline_access"}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run's key."""
    file = tmp_path_factory.mktemp("issuer") / "key.json"
    issuer.make_key(file)
    return file


@pytest.fixture
def clock() -> SimpleNamespace:
    """The issuer's clock."""
    return SimpleNamespace(now=1000.0)


@pytest.fixture
def client(key: Path, clock: SimpleNamespace) -> Iterator[httpx.Client]:
    """Calls the issuer."""
    app = Starlette(routes=DeviceSignIn(key, lambda: clock.now).routes())
    with serve(app) as url, httpx.Client(base_url=f"{url}{DEVICE_PATH}", timeout=PATIENCE) as made:
        yield made


def begun(client: httpx.Client, **changed: str) -> Any:
    """Ask for a code."""
    return client.post("device_authorization", data={**REQUEST, **changed}).raise_for_status().json()


def told(client: httpx.Client, code: str, answer: str = "allow") -> int:
    """Answer as the user, who is dana."""
    form = {"user_code": code, "subject": "dana", "workspaces": "team-a team-b", "answer": answer}
    return client.post("device", data=form).status_code


def asked(client: httpx.Client, given: dict[str, str], **changed: str) -> Any:
    """Ask for tokens; returns the answer."""
    form = {"grant_type": DEVICE_GRANT, "device_code": given["device_code"], "client_id": CLI_CLIENT, **changed}
    answer = client.post("token", data=form)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.status_code == (400 if "error" in answer.json() else 200)
    return answer.json()


def renewed(client: httpx.Client, token: str) -> Any:
    """Exchange a refresh token."""
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": CLI_CLIENT}
    return client.post("token", data=form).json()


def test_what_the_user_allows_becomes_tokens_once(client: httpx.Client, key: Path, clock: SimpleNamespace) -> None:
    given = begun(client)
    assert given["verification_uri_complete"].endswith(f"?user_code={given['user_code']}")
    clock.now += INTERVAL_SECONDS
    assert asked(client, given)["error"] == "authorization_pending"
    assert told(client, given["user_code"].lower().replace("-", " ")) == 200
    clock.now += INTERVAL_SECONDS
    tokens = asked(client, given)
    claims = jwt.decode(tokens["access_token"], key_of(key)).claims
    assert (claims["iss"], claims["aud"]) == (ISSUER, AUDIENCE)
    assert (claims["sub"], claims["workspaces"]) == ("dana", ["team-a", "team-b"])
    clock.now += INTERVAL_SECONDS
    assert asked(client, given)["error"] == "invalid_grant"


def test_who_asks_too_often_waits_longer_each_time(client: httpx.Client, clock: SimpleNamespace) -> None:
    given = begun(client)
    told(client, given["user_code"])
    clock.now += INTERVAL_SECONDS - 0.01
    assert asked(client, given)["error"] == "slow_down"
    clock.now += INTERVAL_SECONDS + SLOWER_SECONDS - 0.01
    assert asked(client, given)["error"] == "slow_down"
    clock.now += INTERVAL_SECONDS + 2 * SLOWER_SECONDS
    assert "access_token" in asked(client, given)


@pytest.mark.parametrize(("age", "error"), [(CODE_SECONDS - 0.01, None), (CODE_SECONDS, "expired_token")])
def test_a_code_grows_old(client: httpx.Client, clock: SimpleNamespace, age: float, error: str | None) -> None:
    given = begun(client)
    told(client, given["user_code"])
    clock.now += age
    assert asked(client, given).get("error") == error


def test_a_user_who_is_too_late_is_told(client: httpx.Client, clock: SimpleNamespace) -> None:
    given = begun(client)
    clock.now += CODE_SECONDS
    assert told(client, given["user_code"]) == 400


def test_a_user_who_says_no(client: httpx.Client, clock: SimpleNamespace) -> None:
    given = begun(client)
    assert told(client, given["user_code"], "deny") == 200
    assert told(client, given["user_code"]) == 400, "it is answered"
    clock.now += INTERVAL_SECONDS
    assert asked(client, given)["error"] == "access_denied"


@pytest.mark.parametrize("code", ["", "BBBB-BBBB", "<script>"])
def test_a_code_that_nobody_has(client: httpx.Client, code: str) -> None:
    begun(client)
    assert told(client, code) == 400
    assert "<script>" not in client.get("device", params={"user_code": code}).text


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_id": "other"}, "invalid_client"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": "openid profile"}, "invalid_scope"),
        ({"audience": "x"}, "invalid_request"),
    ],
)
def test_a_device_that_asks_wrongly(client: httpx.Client, changed: dict[str, str], error: str) -> None:
    answer = client.post("device_authorization", data={**REQUEST, **changed})
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"device_code": "made-up"}, "invalid_grant"),
        ({"client_id": "other"}, "invalid_client"),
        ({"client_secret": "x"}, "invalid_request"),
    ],
)
def test_a_token_that_is_asked_for_wrongly(
    client: httpx.Client, clock: SimpleNamespace, changed: dict[str, str], error: str
) -> None:
    given = begun(client)
    told(client, given["user_code"])
    clock.now += INTERVAL_SECONDS
    assert asked(client, given, **changed)["error"] == error


def signed_in(client: httpx.Client, clock: SimpleNamespace, **changed: str) -> Any:
    """Go the whole way."""
    given = begun(client, **changed)
    told(client, given["user_code"])
    clock.now += INTERVAL_SECONDS
    return asked(client, given)


def test_a_refresh_token_is_for_one_use(client: httpx.Client, clock: SimpleNamespace, key: Path) -> None:
    first = signed_in(client, clock)["refresh_token"]
    second = renewed(client, first)
    assert jwt.decode(second["access_token"], key_of(key)).claims["sub"] == "dana"
    assert renewed(client, first)["error"] == "invalid_grant"
    assert renewed(client, second["refresh_token"])["error"] == "invalid_grant", "somebody else has one of them"


def test_without_offline_access_there_is_none(client: httpx.Client, clock: SimpleNamespace) -> None:
    assert "refresh_token" not in signed_in(client, clock, scope="openid")


def test_a_sign_in_that_was_given_back_has_ended(client: httpx.Client, clock: SimpleNamespace) -> None:
    token = signed_in(client, clock)["refresh_token"]
    for given in ("made-up", token):
        assert client.post("revoke", data={"token": given, "client_id": CLI_CLIENT}).status_code == 200
    assert renewed(client, token)["error"] == "invalid_grant"
