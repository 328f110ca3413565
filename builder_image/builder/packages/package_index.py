"""Where packages come from: what the operator configured for pip, in the words of uv, which does the work.

The index is whatever ``PIP_INDEX_URL`` says, pip's default without it. An index URL may hold a password: it goes by
environment, never by argument, and only to the one step that installs.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

_FORWARDED_VARIABLES: Final = (
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "all_proxy", "no_proxy"),
)
_CERTIFICATES: Final = ("PIP_CERT", "REQUESTS_CA_BUNDLE")
_TRUE: Final = frozenset({"1", "true", "yes", "on", "y", "t"})


def environment(operator: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables for uv."""
    values = {name: operator[name] for name in _FORWARDED_VARIABLES if operator.get(name)}
    for name in _CERTIFICATES:
        if operator.get(name):
            values.setdefault("SSL_CERT_FILE", operator[name])
    for pip, uv in (
        ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
        ("PIP_DEFAULT_TIMEOUT", "UV_HTTP_TIMEOUT"),
        ("PIP_PROXY", "ALL_PROXY"),
    ):
        if operator.get(pip):
            values[uv] = operator[pip]
    # pip separates by white space, uv some by white space and some by commas.
    for pip, uv in (("PIP_EXTRA_INDEX_URL", "UV_INDEX"), ("PIP_TRUSTED_HOST", "UV_INSECURE_HOST")):
        if words := operator.get(pip, "").split():
            values[uv] = " ".join(words)
    if links := [link for link in operator.get("PIP_FIND_LINKS", "").split() if _is_there(link)]:
        values["UV_FIND_LINKS"] = ",".join(links)
    return values


def options(operator: Mapping[str, str] = os.environ) -> list[str]:
    """Arguments for uv: what it has no variable for."""
    return ["--no-index"] if operator.get("PIP_NO_INDEX", "").lower() in _TRUE else []


def _is_there(link: str) -> bool:
    # pip passes over a folder that is not there; uv would stop.
    return bool(urlsplit(link).scheme) or Path(link).exists()
