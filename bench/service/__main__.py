"""``python -m bench.service [PART …] [--runs N]``: measure the service, write the parts of docs/benchmarks.md."""

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final

from bench.page import machine, replace_between, today
from bench.run import FULL, PAGE, Run
from bench.service import api, cold_start, functions, growth, old_way, pipeline

PARTS: Final[Mapping[str, Callable[[Run], str]]] = {
    "pipeline": pipeline.measure,
    "cold": cold_start.measure,
    "api": api.measure,
    "functions": functions.measure,
    "old": old_way.measure,
    "growth": growth.measure,
}


def main() -> int:
    """Run the parts that are asked for, all without; 1 when one failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition(": ")[2])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all without")
    fewer = "with fewer, each part is short, and only shown"
    parser.add_argument("--runs", type=int, default=FULL, help=f"of what has a median; {fewer}")
    options = parser.parse_args()
    run, failed = Run(options.runs), False
    for part in options.parts or PARTS:
        load, began = os.getloadavg()[0], time.monotonic()
        try:
            text = PARTS[part](run)
        except Exception:  # the other parts go on, and write what they found
            logging.getLogger(__name__).exception("%s failed; the page keeps what an earlier run found", part)
            failed = True
            continue
        minutes = (time.monotonic() - began) / 60
        head = f"{today()}, {machine()}, load {load:.1f} when it began; {minutes:.1f} minutes."
        if not run.is_trial:
            replace_between(PAGE, f"bench {part}", f"{head}\n\n{text}")
        print(f"{part}\n{head}\n\n{text}\n\n{part} took {minutes:.1f} minutes\n", flush=True)  # noqa: T201
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
