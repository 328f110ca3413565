"""Runs `local.functions.cli`."""

import sys

from local.functions.cli import main

sys.exit(main())
