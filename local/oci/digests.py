"""Content digests, the names of everything in a registry."""

import hashlib


def sha256_digest(content: bytes | bytearray | memoryview) -> str:
    """``sha256:<hex>`` of some bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
