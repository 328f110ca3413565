"""Who calls: AWS Signature Version 4 or a bearer token on every request."""

import os
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import httpx

from blue_faas_cli.config import Settings
from blue_faas_cli.problems import BlueError, Exit

if TYPE_CHECKING:
    from blue_faas_cli.sign_in.renewal import KeptToken


class Signature(httpx.Auth):
    """Signs requests for API Gateway with AWS credentials."""

    requires_request_body = True

    def __init__(self, credentials: Any, region: str) -> None:
        self._credentials = credentials
        self._region = region

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the body, the query and the headers that decide what the request means."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        signed = {name: request.headers[name] for name in ("host", "content-type") if name in request.headers}
        to_sign = AWSRequest(
            request.method,
            str(request.url.copy_with(query=None)),
            # As names and values: of a query in a URL, botocore signs a space that is written "+" as a plus sign.
            params=request.url.params.multi_items(),  # type: ignore[arg-type]  # botocore takes pairs, too
            data=request.content,
            headers=signed,
        )
        SigV4Auth(self._credentials.get_frozen_credentials(), "execute-api", self._region).add_auth(to_sign)
        request.headers.update(dict(to_sign.headers.items()))
        yield request


class BearerToken(httpx.Auth):
    """Sends a token of the issuer that the API trusts."""

    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header."""
        request.headers["authorization"] = f"Bearer {self._token}"
        yield request


def authentication(settings: Settings) -> httpx.Auth | None:
    """Return what the API's authorizer asks for; None where it asks for nothing.

    Raises
    ------
    BlueError
        There are no credentials, or no token.
    """
    if settings.authorizer == "none":
        return None
    if settings.authorizer == "jwt":
        return BearerToken(settings.token) if settings.token is not None else kept_token(settings)
    session, region = aws_session(settings)
    return Signature(session.get_credentials(), region)


def kept_token(settings: Settings) -> "KeptToken":
    """Return the token that `blue login` has kept for this API.

    Raises
    ------
    BlueError
        Nobody has signed in.
    """
    if settings.context is None:
        raise BlueError(
            "The API asks for a token: `blue login` signs in, or the variable BLUE_TOKEN has one",
            Exit.REFUSED,
        )
    from blue_faas_cli.sign_in.renewal import KeptToken

    return KeptToken(settings.context, settings.url)


class AwsSignInError(BlueError):
    """Credentials that the AWS CLI gets by signing the user in, who is not signed in, or no longer."""

    def __init__(self, reason: Exception, command: tuple[str, ...]) -> None:
        super().__init__(f"No AWS credentials: {reason} `{' '.join(command)}` signs in.", Exit.REFUSED)
        self.command = command


def aws_session(settings: Settings) -> tuple[Any, str]:
    """Return a botocore session with the credentials that the AWS CLI would use, and the region.

    Raises
    ------
    BlueError
        There are no credentials, the profile does not exist, STS refuses the role, or no place names the region.
    AwsSignInError
        The user has to sign in first.
    """
    import botocore.session
    from botocore.exceptions import BotoCoreError, ClientError, LoginError, SSOError, TokenRetrievalError

    try:
        session = botocore.session.Session(profile=settings.profile)
        # botocore itself reads AWS_DEFAULT_REGION only.
        region = settings.region or os.environ.get("AWS_REGION") or session.get_config_variable("region")
        if region:
            # Credentials may come from STS, which is in a region, too.
            session.set_config_variable("region", region)
        credentials = session.get_credentials()
        if credentials is not None:
            credentials.get_frozen_credentials()
    except (SSOError, TokenRetrievalError, LoginError) as error:
        ways = ("login",) if isinstance(error, LoginError) else ("sso", "login")
        profile = (f"--profile={settings.profile}",) if settings.profile else ()
        raise AwsSignInError(error, ("aws", *ways, *profile)) from None
    except (BotoCoreError, ClientError) as error:
        raise BlueError(f"No AWS credentials: {error}", Exit.REFUSED) from None
    if credentials is None:
        raise BlueError(
            "No AWS credentials. `aws configure sso` or AWS_PROFILE gives them; --profile chooses a profile.",
            Exit.REFUSED,
        )
    if not region:
        raise BlueError("The region of the API is not known: give --region, or set AWS_REGION", Exit.USAGE)
    return session, region
