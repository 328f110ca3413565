"""The device flow (RFC 8628): the user opens a page anywhere, enters a code, and the tokens come here."""

import time
from collections.abc import Callable
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from blue_faas_cli.config import Settings
from blue_faas_cli.problems import BlueError, Exit, usage
from blue_faas_cli.sign_in.issuer import Discovery, Issuer, IssuerError, NoAnswerError
from blue_faas_cli.sign_in.tokens import TokenAnswer, Tokens, expiry

GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
_SCOPE: Final = "openid offline_access"
"""offline_access asks for a refresh token (OpenID Connect Core 1.0, 11)."""
_SLOWER: Final = 5
"""Seconds that ``slow_down`` adds to the interval (RFC 8628, 3.5)."""


class DeviceCode(BaseModel):
    """An answer of the device authorization endpoint (RFC 8628, 3.2)."""

    model_config = ConfigDict(frozen=True)

    device_code: str = Field(min_length=1, repr=False)
    user_code: str = Field(min_length=1)
    verification_uri: str = Field(pattern=r"^https?://")
    verification_uri_complete: str | None = Field(default=None, pattern=r"^https?://")
    expires_in: float = Field(gt=0)
    interval: float = Field(default=5, ge=0)


class Request(BaseModel):
    """Which tokens are asked for, and for which API."""

    model_config = ConfigDict(frozen=True)

    url: str
    issuer: str
    client_id: str
    scope: str
    audience: str | None = None
    """What some issuers want to hear before they make a JWT of the access token."""


def sign_in(request: Request, show: Callable[[DeviceCode], None]) -> Tokens:
    """Sign a user in.

    Parameters
    ----------
    show
        Tells the user where to enter which code; is called once.

    Raises
    ------
    BlueError
        The issuer has no device flow or does not answer, the user said no, or too much time went by.
    """
    with Issuer() as issuer:
        discovery = issuer.discover(request.issuer)
        code = _ask(issuer, discovery, request)
        show(code)
        answer = _poll(issuer, discovery, request, code)
    if answer.token_type.lower() != "bearer":
        raise BlueError(f"{request.issuer} gives tokens of the type {answer.token_type}, not bearer", Exit.REFUSED)
    return Tokens(
        url=request.url,
        issuer=discovery.issuer,
        client_id=request.client_id,
        token_endpoint=discovery.token_endpoint,
        revocation_endpoint=discovery.revocation_endpoint,
        access_token=answer.access_token,
        refresh_token=answer.refresh_token,
        expires_at=expiry(answer),
    )


def _ask(issuer: Issuer, discovery: Discovery, request: Request) -> DeviceCode:
    if discovery.device_authorization_endpoint is None:
        raise BlueError(
            f"{request.issuer} has no device flow. Put a token that you got in another way into BLUE_TOKEN.",
            Exit.REFUSED,
        )
    form = {"client_id": request.client_id, "scope": request.scope}
    if request.audience is not None:
        form["audience"] = request.audience
    try:
        return DeviceCode.model_validate(issuer.send(discovery.device_authorization_endpoint, form))
    except NoAnswerError as error:
        raise BlueError(f"{request.issuer} does not answer: {error}", Exit.NO_ANSWER) from None
    except ValidationError:
        raise BlueError(f"{request.issuer} answers what is no device code (RFC 8628)", Exit.NO_ANSWER) from None
    except IssuerError as error:
        hint = {
            "invalid_client": " Is --client-id that of a public client that may use the device flow?",
            "unauthorized_client": " May this client use the device flow?",
            "invalid_scope": " --scope asks for others, `openid` alone for instance.",
        }.get(error.code, "")
        raise BlueError(f"{request.issuer} begins no sign-in: {error}.{hint}", Exit.REFUSED) from None


def _poll(issuer: Issuer, discovery: Discovery, request: Request, code: DeviceCode) -> TokenAnswer:
    """Ask for the tokens until the user has answered, no more often than the issuer wants."""
    end = time.monotonic() + code.expires_in
    interval = code.interval
    form = {"grant_type": GRANT, "device_code": code.device_code, "client_id": request.client_id}
    while time.monotonic() + interval < end:
        time.sleep(interval)
        try:
            return TokenAnswer.model_validate(issuer.send(discovery.token_endpoint, form))
        except NoAnswerError:
            interval = max(1, interval * 2)  # as RFC 8628, 3.5, has it for connections that time out
        except ValidationError:
            raise BlueError(f"{request.issuer} answers without an access token", Exit.NO_ANSWER) from None
        except IssuerError as error:
            if error.code == "slow_down":
                interval += _SLOWER
            elif error.code != "authorization_pending":
                raise _refused(error, request) from None
    raise _refused(IssuerError("expired_token", ""), request)


def _refused(error: IssuerError, request: Request) -> BlueError:
    if error.code == "access_denied":
        return BlueError("The sign-in was denied on the issuer's page", Exit.REFUSED)
    if error.code == "expired_token":
        return BlueError("The code was not entered in time. `blue login` shows a new one.", Exit.TIMEOUT)
    return BlueError(f"{request.issuer} gives no token: {error}", Exit.REFUSED)


def request_for(settings: Settings) -> Request:
    """Return the request that the settings make.

    Raises
    ------
    BlueError
        They do not say which issuer, or as which client.
    """
    if settings.issuer is None or settings.client_id is None:
        missing = "--issuer" if settings.issuer is None else "--client-id"
        raise usage(
            f"{missing} is missing: users sign in at the issuer of the API's tokens, where `blue` is a public client. "
            "Without one, put a token into the variable BLUE_TOKEN."
        )
    return Request(
        url=settings.url,
        issuer=settings.issuer,
        client_id=settings.client_id,
        scope=settings.scope or _SCOPE,
        audience=settings.audience,
    )
