"""Runs `local.functions.cli`."""

import sys

from local.collector import spare_what_stays

if __name__ == "__main__":
    spare_what_stays()
    from local.functions.cli import main

    sys.exit(main())
