"""What documents about a build call a Python package."""

import urllib.parse

from packaging.utils import canonicalize_name


def package_url(name: str, version: str) -> str:
    """Return the package URL (purl, type pypi) of a Python package."""
    quoted = (urllib.parse.quote(part, safe="") for part in (canonicalize_name(name), version))
    return "pkg:pypi/{}@{}".format(*quoted)
