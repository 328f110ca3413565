"""Starts `builder.command`: one build in a process of its own."""

import gc
import sys

if __name__ == "__main__":
    # Loading hundreds of modules makes few cycles, and the collector would look for them hundreds of times.
    gc.set_threshold(20_000, 20, 100)
    from builder.command import main

    sys.exit(main())
