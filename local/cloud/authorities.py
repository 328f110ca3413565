"""The CA certificates that HTTP clients of this machine trust."""

import functools
import ssl

import httpx


@functools.cache
def authorities() -> ssl.SSLContext:
    """Read them, once a process: each client of httpx would do so, which takes longer than most requests here."""
    return httpx.create_ssl_context(trust_env=False)
