"""Documents about a build that others can check: canonical JSON, so that a signature has one thing to sign."""

import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

from packaging.utils import canonicalize_name


def canonical(document: Mapping[str, Any]) -> bytes:
    """``document`` in the one form in which equal documents are equal bytes: sorted keys, no white space, UTF-8.

    RFC 8785 for what stands in these documents: strings, integers, objects, lists.
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def package_url(name: str, version: str) -> str:
    """Return the package URL (purl, type pypi) of a Python package."""
    quoted = (urllib.parse.quote(part, safe="") for part in (canonicalize_name(name), version))
    return "pkg:pypi/{}@{}".format(*quoted)
