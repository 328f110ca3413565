"""Start of the stand-in: ``python -m local.spin_cli``, or this file by its path under ``python -I`` (see `wrapper`)."""

import atexit
import gc
import sys
from pathlib import Path

if __name__ == "__main__":
    if sys.flags.isolated:  # no folder of ours is on the path then: put the one that holds `local` there
        sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    gc.disable()  # it has ended before there is anything to collect, and need not look then either
    atexit.register(gc.freeze)
    from local.spin_cli.cli import main

    sys.exit(main(sys.argv[1:]))
