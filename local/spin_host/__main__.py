"""Runs `local.spin_host.cli`."""

import sys

from local.cloud.collector import spare_what_stays

if __name__ == "__main__":
    spare_what_stays()
    from local.spin_host.cli import main

    sys.exit(main())
