"""Starts `builder.command`: one build in a process of its own."""

import atexit
import gc
import sys

if __name__ == "__main__":
    # Hundreds of modules are loaded and stay, 120,000 objects. The collector would go through them again and again, and
    # once more at the end: a good part of the builder's own CPU time.
    gc.set_threshold(200_000, 10, 10)
    atexit.register(gc.freeze)
    from builder.command import main

    sys.exit(main())
