"""What the product answers and what the cluster shows, waited for."""

import time
from collections.abc import Callable
from typing import Final

import httpx

from local.kubernetes.api.errors import ApiError
from local.kubernetes.machinery.http_api import HttpApi
from local.kubernetes.machinery.resources import Json, Resource

SECONDS: Final = 600.0
"""Longest that anything is waited for."""


class StepFailedError(Exception):
    """A step showed something else than it should; the text says what."""


def ok(response: httpx.Response) -> Json:
    """Return the body of an answer.

    Raises
    ------
    StepFailedError
        It is not a success.
    """
    if not response.is_success:
        raise StepFailedError(f"{response.request.method} {response.request.url.path}: {response.text[:1000]}")
    body: Json = response.json() if response.content else {}
    return body


def until(condition: Callable[[], bool], what: str, look_seconds: float = 0.2) -> None:
    """Look until the condition holds.

    Raises
    ------
    StepFailedError
        It does not within `SECONDS`.
    """
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise StepFailedError(f"not within {SECONDS:.0f} s: {what}")
        time.sleep(look_seconds)


def found(api: HttpApi, resource: Resource, namespace: str, name: str) -> Json | None:
    """Return an object as it is; None where there is none of this name."""
    try:
        return api.get(resource, namespace, name)
    except ApiError as error:
        if error.code != 404:
            raise
        return None
