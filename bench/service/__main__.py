"""``python -m bench.service [PART …]``: measure the running service, write the parts of docs/benchmarks.md."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final

from bench.page import machine, replace_between, today
from bench.service import api, cold_start, functions, growth, old_way
from tests.benchmarks.marks import PAGE

PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "cold": cold_start.measure,
    "api": api.measure,
    "functions": functions.measure,
    "old": old_way.measure,
    "growth": growth.measure,
}


def main() -> int:
    """Run the parts that are asked for, all without."""
    parser = argparse.ArgumentParser(description=__doc__.partition(": ")[2])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all without")
    for part in parser.parse_args().parts or PARTS:
        load, began = os.getloadavg()[0], time.monotonic()
        text = PARTS[part]()
        head = f"{today()}, {machine()}, load {load:.1f} when it began; {(time.monotonic() - began) / 60:.1f} minutes."
        replace_between(PAGE, f"bench {part}", f"{head}\n\n{text}")
        print(f"{part}\n{head}\n\n{text}\n", flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
