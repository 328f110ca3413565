"""Run the parts of ``conformance/`` one after the other: ``python -m conformance [PART ...]``.

A part that fails does not keep the next from running. The exit status is 1 when any part found a difference.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

from conformance.report import NOT_RUN

_FOLDER: Final = Path(__file__).parent
_WORDS: Final = {0: "agrees", NOT_RUN: "not run"}


def parts() -> list[str]:
    """Name every part: the subpackages that have a ``__main__``."""
    return sorted(main.parent.name for main in _FOLDER.glob("*/__main__.py"))


def main(chosen: list[str]) -> int:
    """Run the chosen parts, all by default, and print one line for each."""
    known = parts()
    unknown = [part for part in chosen if part not in known]
    if unknown:
        print(f"Unknown: {', '.join(unknown)}. Parts: {', '.join(known)}", file=sys.stderr)
        return 2
    results = {}
    for part in chosen or known:
        print(f"== {part}", flush=True)
        results[part] = subprocess.run([sys.executable, "-m", f"conformance.{part}"], check=False).returncode
    for part, status in results.items():
        print(f"{part:20} {_WORDS.get(status, 'DIFFERS')}")
    return int(any(status not in _WORDS for status in results.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
