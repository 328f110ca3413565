"""Authentication of a client, for each authorizer: an AWS signature, a bearer token, or nothing.

`examples/client/signed_call.py` signs on its own: it is one file to copy, with `requests` in the place of httpx.
"""

import os
import re
from collections.abc import Generator
from typing import Any, Final

import boto3
import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

_API_HOST: Final = re.compile(r"\.execute-api\.([a-z0-9-]+)\.")


class SignedByAws(httpx.Auth):
    """AWS Signature Version 4 for API Gateway, over method, path, query and body of each request."""

    requires_request_body = True

    def __init__(self, credentials: Any, region: str) -> None:
        """Take the credentials of botocore, which renew themselves."""
        self._credentials = credentials
        self._region = region

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the signature's headers."""
        signed = AWSRequest(
            method=request.method,
            url=str(request.url.copy_with(query=None)),
            # As names and values: of a query in a URL, botocore signs a space that is written "+" as a plus sign.
            params=request.url.params.multi_items(),  # type: ignore[arg-type]  # botocore takes pairs, too
            data=request.content,
            headers={"host": request.url.netloc.decode()},
        )
        SigV4Auth(self._credentials.get_frozen_credentials(), "execute-api", self._region).add_auth(signed)
        request.headers.update(signed.headers.items())
        yield request


class BearerToken(httpx.Auth):
    """A bearer token for the authorizer ``jwt``."""

    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


class NoIdentityError(Exception):
    """The identity for the authorizer is missing; the message says what to set."""


def identity(authorizer: str, api: str) -> httpx.Auth | None:
    """Return the authentication for an installation with ``authorizer``.

    Raises
    ------
    NoIdentityError
        The credentials, the region or the token is missing.
    """
    if authorizer == "none":
        return None
    if authorizer == "jwt":
        token = os.environ.get("TOKEN")
        if not token:
            raise NoIdentityError("The authorizer is jwt: put a token into the environment variable TOKEN.")
        return BearerToken(token)
    found = _API_HOST.search(api)
    session = boto3.Session(region_name=found[1] if found else os.environ.get("AWS_REGION"))
    credentials = session.get_credentials()
    if credentials is None or session.region_name is None:
        raise NoIdentityError(
            "The authorizer is iam: put credentials into the environment, or set AWS_PROFILE; behind a domain name of "
            "your own set AWS_REGION, too."
        )
    return SignedByAws(credentials, session.region_name)
