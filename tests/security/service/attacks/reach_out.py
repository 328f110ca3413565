"""Writes wherever it can, and ends every process that it may end.

Orders come in ``orders.json`` beside this file: ``folders`` (to write in, and below).
"""

# ruff: noqa: PTH100, PTH108, PTH114, PTH118, PTH120, PTH123, PTH208, T201

import contextlib
import json
import os

OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def writable(folder: str) -> bool:
    """Whether a file can be made in a folder."""
    path = os.path.join(folder, "planted-by-a-build")
    try:
        with open(path, "x"):
            pass
    except OSError:
        return False
    os.unlink(path)
    return True


def is_own(pid: int) -> bool:
    """Whether a process is of this step, which may do as it likes with itself."""
    with open(f"/proc/{pid}/status") as file:
        return any(line.split()[1:2] == [str(os.getuid())] for line in file if line.startswith("Uid:"))


def main() -> None:
    """Try."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "orders.json")) as file:
        orders = json.load(file)
    tried = 0
    for top in orders["folders"]:
        for parent, _, names in os.walk(top):
            if parent.startswith(OWN):
                continue
            tried += 1
            if writable(parent):
                print(f"WROTE in {parent}")
            for name in names:
                path = os.path.join(parent, name)
                if not os.path.islink(path) and os.access(path, os.W_OK):
                    print(f"COULD CHANGE {path}")
    for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
        with contextlib.suppress(OSError):
            if not is_own(pid):
                os.kill(pid, 0)
                print(f"COULD END {pid}")
    for become in (os.setuid, os.setgid):
        with contextlib.suppress(OSError):
            become(0)
            print("BECAME root")
    print(f"ATTACK COMPLETE: {tried} folders tried")


main()
