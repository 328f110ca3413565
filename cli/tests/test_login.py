"""`blue login` and `blue logout`: the device flow at the one machine's issuer, which is stricter than others are."""

import json
import os
import stat
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from blue_faas_cli.sign_in.renewal import MARGIN_SECONDS, KeptToken
from blue_faas_cli.sign_in.tokens import TokenFile
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from cli.tests import doors
from cli.tests.conftest import Blue
from cli.tests.service import Service
from functions.models.apps import AppList
from local.cloud.issuer import CLI_CLIENT, DEVICE_PATH, MINUTES, make_key
from local.front.device import CODE_SECONDS, DeviceSignIn
from tests.support.background import serve
from tests.support.client import PATIENCE

AS_CLIENT = ("--client-id", CLI_CLIENT)


class Recorder:
    """Notes the paths that an issuer is asked for, and answers in its place where a test says so."""

    def __init__(self, app: Any, asked: list[str], instead: list[tuple[int, dict[str, Any]]]) -> None:
        self._app, self._asked, self._instead = app, asked, instead

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self._asked.append(scope["path"].removeprefix(DEVICE_PATH))
            if scope["path"].endswith("/token") and self._instead:
                status, body = self._instead.pop(0)
                await JSONResponse(body, status)(scope, receive, send)
                return
        await self._app(scope, receive, send)


@dataclass
class Issuer:
    """The issuer, its user, and the time, which passes only while the command sleeps."""

    device: DeviceSignIn
    clock: SimpleNamespace
    url: str = ""
    asked: list[str] = field(default_factory=list)
    """Paths of its endpoints, in order."""
    instead: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """Answers of the token endpoint in the place of its own."""
    user: list[str | None] = field(default_factory=list)
    """What the user does while the command sleeps: allow, deny, or None for nothing yet."""
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Let time pass, and the user act."""
        self.slept.append(seconds)
        self.clock.now += seconds
        answer = self.user.pop(0) if self.user else None
        if answer is not None:
            (code,) = [asked.user_code for asked in self.device._codes.values()]
            form = {"user_code": code, "subject": "dana", "workspaces": "default", "answer": answer}
            assert httpx.post(f"{self.url}/device", data=form, timeout=PATIENCE).status_code == 200


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The issuer's key."""
    file = tmp_path_factory.mktemp("issuer") / "key.json"
    make_key(file)
    return file


@pytest.fixture
def issuer(key: Path, service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    """An issuer whose user allows at once; the service takes its tokens."""
    clock = SimpleNamespace(now=1000.0)
    made = Issuer(DeviceSignIn(key, lambda: clock.now), clock, user=["allow"])
    app = Starlette(
        routes=made.device.routes(), middleware=[Middleware(Recorder, asked=made.asked, instead=made.instead)]
    )
    times = SimpleNamespace(sleep=made.sleep, monotonic=lambda: clock.now)
    monkeypatch.setattr("blue_faas_cli.sign_in.device.time", times)
    service.door = doors.tokens(key)
    with serve(app) as url:
        made.url = f"{url}{DEVICE_PATH}"
        yield made


@pytest.fixture
def login(blue: Blue, service: Service, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Sign in as a user does the first time; later commands use the context."""
    monkeypatch.delenv("BLUE_URL")

    def run(*options: str) -> Any:
        return blue("login", "--url", service.url, "--issuer", issuer.url, *AS_CLIENT, *options)

    return run


def kept_file(project: Path) -> Path:
    """The one file of tokens."""
    (file,) = (project.parent / "state" / "blue-faas" / "tokens").glob("*.json")
    return file


def age(project: Path, seconds_left: float) -> None:
    """Let the access token be about to end."""
    kept = TokenFile("default")
    tokens = kept.read(json.loads(kept_file(project).read_text())["url"])
    assert tokens is not None
    kept.write(tokens.model_copy(update={"expires_at": time.time() + seconds_left}))


class TestSigningIn:
    def test_a_user_who_allows_is_signed_in(
        self, service: Service, project: Path, blue: Blue, issuer: Issuer, login: Callable[..., Any]
    ) -> None:
        issuer.user = [None, "allow"]
        done = login()
        assert done.code == 0, done.err
        assert f"Open {issuer.url}/device and enter the code " in done.err
        assert issuer.slept == [1, 1]
        assert blue("tasks").code == 0
        assert service.requests[-1].headers["authorization"].startswith("Bearer ey")
        service.cluster["GET", "/api/v1/apps"] = [AppList(namespace="default", apps=[])]
        examined = blue("doctor")
        assert examined.code == 0, examined.out
        told = f"signed in at {issuer.url}: token of dana, valid for {MINUTES} minutes, renewed before it expires"
        assert told in examined.out

    def test_what_is_kept_is_its_user_s_alone_and_no_settings(
        self, project: Path, issuer: Issuer, login: Callable[..., Any]
    ) -> None:
        usual = os.umask(0)
        try:
            done = login("-o", "json")
        finally:
            os.umask(usual)
        file = kept_file(project)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        kept = json.loads(file.read_text())
        written = (Path(os.environ["BLUE_CONFIG"]).read_text(), done.out, done.err)
        assert not any(kept[name] in text for name in ("access_token", "refresh_token") for text in written)
        context = tomllib.loads(written[0])["contexts"]["default"]
        assert (context["issuer"], context["client_id"], context["authorizer"]) == (issuer.url, CLI_CLIENT, "jwt")

    def test_later_the_name_of_the_context_is_enough(
        self, project: Path, blue: Blue, issuer: Issuer, login: Callable[..., Any]
    ) -> None:
        login()
        first = kept_file(project).read_text()
        issuer.user = ["allow"]
        assert blue("login").code == 0
        assert kept_file(project).read_text() != first
        assert blue("login", "other").code == 2

    def test_an_issuer_that_wants_it_slower_is_asked_more_slowly(
        self, issuer: Issuer, login: Callable[..., Any]
    ) -> None:
        issuer.instead += [(400, {"error": "slow_down"}), (400, {"error": "authorization_pending"})]
        assert login().code == 0
        assert issuer.slept == [1, 6, 6]

    def test_an_issuer_that_is_away_for_a_moment_is_asked_again(
        self, issuer: Issuer, login: Callable[..., Any]
    ) -> None:
        issuer.instead += [(503, {}), (502, {})]
        assert login().code == 0
        assert issuer.slept == [1, 2, 4]

    def test_a_user_who_denies(self, project: Path, issuer: Issuer, login: Callable[..., Any]) -> None:
        issuer.user = ["deny"]
        done = login()
        assert (done.code, "was denied" in done.err) == (3, True)
        assert not Path(os.environ["BLUE_CONFIG"]).exists()
        assert not (project.parent / "state").exists()

    def test_a_user_who_does_not_come(self, issuer: Issuer, login: Callable[..., Any]) -> None:
        issuer.user = []
        done = login()
        assert (done.code, "was not entered in time" in done.err) == (124, True)
        assert sum(issuer.slept) < CODE_SECONDS

    @pytest.mark.parametrize(
        ("answer", "code", "text"),
        [
            ({"error": "expired_token"}, 124, "was not entered in time"),
            ({"error": "invalid_grant", "error_description": "No.\x1b[2J"}, 3, "gives no token: No.\\x1b[2J"),
            ({"token_type": "Bearer"}, 4, "answers without an access token"),
            ({"access_token": "t", "token_type": "mac"}, 3, "tokens of the type mac"),
        ],
    )
    def test_an_issuer_that_gives_no_token(
        self, issuer: Issuer, login: Callable[..., Any], answer: dict[str, str], code: int, text: str
    ) -> None:
        issuer.instead.append((400 if "error" in answer else 200, answer))
        done = login()
        assert (done.code, text in done.err) == (code, True), done.err

    def test_a_scope_that_the_issuer_does_not_know(self, issuer: Issuer, login: Callable[..., Any]) -> None:
        done = login("--scope", "profile")
        assert (done.code, "`openid` alone" in done.err) == (3, True), done.err

    def test_a_token_that_the_api_does_not_take_is_not_kept(
        self, service: Service, project: Path, login: Callable[..., Any]
    ) -> None:
        service.refusal = (401, {"message": "Unauthorized"})
        assert login().code == 3
        assert not (project.parent / "state").exists()


class TestIssuers:
    """Which addresses are issuers, and which are not."""

    @pytest.mark.parametrize(
        "address", ["http://issuer.example", "http://127.0.0.1@issuer.example", "ftp://127.0.0.1", "issuer.example"]
    )
    def test_users_sign_in_nowhere_unencrypted(self, login: Callable[..., Any], address: str) -> None:
        done = login("--issuer", address)
        assert (done.code, "is not encrypted" in done.err) == (2, True), done.err

    @pytest.mark.parametrize("missing", ["--issuer", "--client-id"])
    def test_what_is_missing_is_named(self, blue: Blue, service: Service, missing: str) -> None:
        given = {"--issuer": "https://issuer.example", "--client-id": "x"}
        del given[missing]
        options = [word for pair in given.items() for word in pair]
        done = blue("login", "--url", service.url, "--authorizer", "jwt", *options)
        assert (done.code, f"{missing} is missing" in done.err) == (2, True), done.err

    def test_an_issuer_that_does_not_answer(self, login: Callable[..., Any]) -> None:
        done = login("--issuer", "http://127.0.0.1:1")
        assert (done.code, "does not answer" in done.err) == (4, True), done.err

    @pytest.mark.parametrize(
        ("changed", "code", "text"),
        [
            ({"issuer": "https://other.example"}, 3, "is the document of another issuer, https://other.example"),
            ({"token_endpoint": "http://other.example/token"}, 2, "http://other.example/token is not encrypted"),
            ({"device_authorization_endpoint": None}, 3, "has no device flow"),
            ({"token_endpoint": None}, 3, "is no discovery document"),
        ],
    )
    def test_a_document_that_leads_elsewhere(
        self, blue: Blue, service: Service, changed: dict[str, Any], code: int, text: str
    ) -> None:
        async def document(request: Request) -> JSONResponse:
            here = str(request.base_url).rstrip("/")
            usual = {"issuer": here, "token_endpoint": f"{here}/t", "device_authorization_endpoint": f"{here}/d"}
            return JSONResponse({**usual, **changed})

        with serve(Starlette(routes=[Route("/.well-known/openid-configuration", document)])) as url:
            done = blue("login", "--url", service.url, "--issuer", url, *AS_CLIENT)
        assert (done.code, text in done.err) == (code, True), done.err

    def test_a_stranger_s_project_sends_nobody_to_its_issuer(
        self, blue: Blue, project: Path, service: Service, issuer: Issuer, login: Callable[..., Any]
    ) -> None:
        (project / "blue.toml").write_text('issuer = "https://issuer.example"\n')
        assert blue("tasks").code == 2
        (project / "blue.toml").write_text('context = "prod"\nworkspace_id = "theirs"\n')
        assert login().code == 0, "a project has no say in what a context is made of"
        written = tomllib.loads(Path(os.environ["BLUE_CONFIG"]).read_text())
        assert written["contexts"]["default"]["workspace_id"] == "default"


class TestRenewal:
    def test_a_token_is_renewed_before_it_ends(
        self, service: Service, project: Path, blue: Blue, issuer: Issuer, login: Callable[..., Any]
    ) -> None:
        login()
        polled = issuer.asked.count("/token")
        age(project, MARGIN_SECONDS + 30)
        assert blue("tasks").code == 0
        assert issuer.asked.count("/token") == polled
        before = kept_file(project).read_text()
        age(project, MARGIN_SECONDS - 30)
        assert blue("tasks").code == 0
        assert issuer.asked.count("/token") == polled + 1
        kept = json.loads(kept_file(project).read_text())
        assert service.requests[-1].headers["authorization"] == f"Bearer {kept['access_token']}"
        assert json.loads(before)["refresh_token"] != kept["refresh_token"], "each is for one use"
        assert stat.S_IMODE(kept_file(project).stat().st_mode) == 0o600

    def test_of_many_at_once_one_renews(
        self, service: Service, project: Path, issuer: Issuer, login: Callable[..., Any]
    ) -> None:
        """A refresh token that is used twice would end the sign-in."""
        login()
        age(project, -1)
        polled = issuer.asked.count("/token")
        together = threading.Barrier(8)

        def current() -> str:
            kept = KeptToken("default", service.url)
            together.wait()
            return kept.current().access_token

        with ThreadPoolExecutor(8) as pool:
            tokens = {future.result() for future in [pool.submit(current) for _ in range(8)]}
        assert len(tokens) == 1
        assert issuer.asked.count("/token") == polled + 1

    @pytest.mark.parametrize(("left", "code"), [(30, 0), (-1, 4)])
    def test_an_issuer_that_is_away(
        self, project: Path, blue: Blue, issuer: Issuer, login: Callable[..., Any], left: float, code: int
    ) -> None:
        login()
        age(project, left)
        issuer.instead.append((503, {}))
        done = blue("tasks")
        assert done.code == code
        assert code == 0 or "which renews it, does not answer" in done.err

    def test_a_sign_in_that_has_ended(
        self, project: Path, blue: Blue, issuer: Issuer, login: Callable[..., Any]
    ) -> None:
        login()
        age(project, -1)
        issuer.device._families.clear()
        done = blue("tasks")
        assert (done.code, "`blue login default` signs in again" in done.err) == (3, True)

    def test_without_a_refresh_token(self, project: Path, blue: Blue, login: Callable[..., Any]) -> None:
        login("--scope", "openid")
        age(project, 30)
        assert blue("tasks").code == 0
        assert "then `blue login` again" in blue("doctor").out
        age(project, -1)
        done = blue("tasks")
        assert (done.code, "The issuer gave no refresh token" in done.err) == (3, True)


class TestWhereTokensGo:
    def test_to_no_other_api_than_they_were_made_for(
        self, service: Service, project: Path, blue: Blue, login: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        login()
        seen = len(service.requests)
        other = service.url.replace("127.0.0.1", "localhost")
        for options in (
            ["--context", "default", "--url", other],
            ["--context", "default", "--url", "https://evil.example"],
            ["--url", service.url, "--authorizer", "jwt"],
        ):
            done = blue("tasks", *options)
            assert done.code == 3, done.err
            assert "signed in" in done.err or "signs in" in done.err
        assert len(service.requests) == seen
        monkeypatch.setenv("BLUE_TOKEN", "of-the-user")
        blue("tasks", "--url", other)
        assert service.requests[-1].headers["authorization"] == "Bearer of-the-user"

    def test_a_file_that_was_damaged_is_no_token(
        self, project: Path, blue: Blue, issuer: Issuer, login: Callable[..., Any]
    ) -> None:
        login()
        kept_file(project).write_text("{")
        done = blue("tasks")
        assert (done.code, "is damaged" in done.err) == (3, True)
        issuer.user = ["allow"]
        assert blue("login").code == 0
        assert blue("tasks").code == 0


class TestSigningOut:
    def test_tokens_are_removed_and_given_back(
        self, project: Path, blue: Blue, issuer: Issuer, login: Callable[..., Any]
    ) -> None:
        login()
        assert "Signed out of default" in blue("logout").err
        assert not list((project.parent / "state").rglob("*.json"))
        assert issuer.asked[-1] == "/revoke"
        assert issuer.device._families == {}
        assert json.loads(blue("logout", "-o", "json").out) == {"context": "default", "signed_out": False}
        done = blue("tasks")
        assert (done.code, "Nobody is signed in" in done.err) == (3, True)

    def test_a_context_that_is_made_anew_without_tokens_keeps_none(
        self, service: Service, project: Path, blue: Blue, login: Callable[..., Any]
    ) -> None:
        login()
        service.door = None
        assert blue("login", "--url", service.url).code == 0
        assert not list((project.parent / "state").rglob("*.json"))

    def test_of_what_is_not_there(self, project: Path, blue: Blue) -> None:
        assert blue("logout").code == 2
        assert blue("logout", "other").code == 2
