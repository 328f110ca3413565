"""Documents about an image that others can check: their one form, and what a signature of them is made over.

DSSE protocol 1.0.2: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
"""``payloadType`` of a DSSE envelope around an in-toto statement."""


def canonical(document: Mapping[str, Any]) -> bytes:
    """``document`` in the one form in which equal documents are equal bytes: sorted keys, no white space, UTF-8.

    RFC 8785 for what stands in these documents: strings, integers, objects, lists.
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def pre_authentication(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding of a statement: what a signature is made over."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
