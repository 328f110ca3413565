"""Which builder made, or would make, a component: one text that both sides compute from the same two files.

The builder reports it with every build; the API can learn it when the stack is synthesized. Where both are equal, a
build of the same source has nothing new to give.
"""

import hashlib
import json
import re
from typing import Final

_DIGITS: Final = 16
_PIN: Final = re.compile(r"^[A-Za-z0-9][^;\\\n]*==[^\s;]+", re.MULTILINE)


def builder_identity(toolchain_txt: str, spin_json: str) -> str:
    """Return the first 16 hex digits of a SHA-256 over the pinned tools.

    Parameters
    ----------
    toolchain_txt
        Text of builder_image/toolchain.txt: its pins count; comments, hashes and order do not.
    spin_json
        Text of builder_image/spin.json: its ``version`` counts, where it is downloaded from does not.
    """
    named = sorted([*_PIN.findall(toolchain_txt), f"spin=={json.loads(spin_json)['version']}"])
    return hashlib.sha256("\n".join(named).encode()).hexdigest()[:_DIGITS]
