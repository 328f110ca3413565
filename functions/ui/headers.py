"""Headers of the page's answers: what its code may load, run and call, and how long a browser keeps it."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

CONFIG_PATH: Final = "/ui/config.json"
"""Where the page asks how to call the API (`functions.models.page.PageConfig`)."""


def headers_of(etag: str, connects_to: Iterable[str] = ()) -> dict[str, str]:
    """Return the headers of a file of the page.

    The file is asked for again each time, and answered with 304 while it is the same: all files of a page are of one
    version.

    Parameters
    ----------
    connects_to
        Addresses that the page may call beside its own origin.
    """
    return {"ETag": etag, "Cache-Control": "no-cache", **_protection(connects_to)}


def headers_of_config(connects_to: Iterable[str] = ()) -> dict[str, str]:
    """Return the headers of the page's configuration, which is never kept."""
    return {"Cache-Control": "no-store", **_protection(connects_to)}


def _protection(connects_to: Iterable[str]) -> dict[str, str]:
    origins = sorted({origin for origin in map(_origin, connects_to) if origin})
    policy = (
        "default-src 'self'",
        " ".join(["connect-src 'self'", *origins]),
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def _origin(address: str) -> str | None:
    """Return scheme, host and port of an address; None for a path of the page's own origin."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else None
