"""Run one target under libFuzzer: ``python -m fuzz.engine TARGET CORPUS [OPTION ...]``; `fuzz.__main__` starts it."""

import sys
from typing import Final

import atheris

SECONDS: Final = 20
"""Time that one input may take, on a machine that does other things too."""
MEGABYTES: Final = 1024

with atheris.instrument_imports(include=["builder", "functions"]):
    from fuzz.targets import TARGETS


def main(arguments: list[str]) -> None:
    """Run until libFuzzer's limits end it."""
    target = TARGETS[arguments.pop(0)]

    def one(data: bytes) -> None:
        try:
            target.run(data)
        except target.refusals:
            return

    atheris.Setup(["fuzz", *arguments, f"-timeout={SECONDS}", f"-rss_limit_mb={MEGABYTES}"], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
