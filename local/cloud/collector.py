"""Python's collector of cycles, in processes that load a lot and keep it."""

import atexit
import gc


def spare_what_stays() -> None:
    """Call it first thing: what is loaded by then is not looked at again, what is loaded later less often.

    Nor is anything at the end of the process, where Python otherwise goes through all of it once more: a good part of
    what a short one costs.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    atexit.register(gc.freeze)
