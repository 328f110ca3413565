"""Whose certificates count: what every connection to an API or an issuer is checked against."""

import functools
import ssl

import httpx


@functools.cache
def authorities() -> ssl.SSLContext:
    """Return the authorities of the environment, read once: that takes longer than a request to this machine."""
    return httpx.create_ssl_context()
