"""``python -m fast_lane.install TOOLCHAIN``: put the lane into a toolchain: its code, its command, its base.

Run with the toolchain's interpreter by who sets up the machine. Does nothing when what is there fits.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Final

from fast_lane import base
from fast_lane.installation import Installation, NotMadeError

_COMMAND: Final = """\
#!{python} -IS
import os, sys
sys.path[:0] = [{code!r}, {packages!r}]
from pathlib import Path
from fast_lane.command import main
status = main(Path({toolchain!r}), sys.argv[1:])
sys.stdout.flush()
sys.stderr.flush()
os._exit(status)  # there is no reason to take the engine down piece by piece
"""


def install(toolchain: Path) -> bool:
    """Install it; answer whether there was anything to do.

    Raises
    ------
    NotMadeError
        The toolchain is not the one that the lane is made for.
    base.BaseError
        The base cannot be made.
    """
    installation = Installation(toolchain.resolve())
    try:
        installation.load()
    except NotMadeError:
        pass
    else:
        return False
    installation.key()
    shutil.rmtree(installation.folder, ignore_errors=True)
    code = installation.folder / "code"
    shutil.copytree(
        Path(__file__).parent, code / Path(__file__).parent.name, ignore=shutil.ignore_patterns("__pycache__")
    )
    command = installation.command
    command.parent.mkdir()
    command.write_text(
        _COMMAND.format(
            python=installation.toolchain / "bin" / "python",
            code=str(code),
            packages=str(installation.site_packages),
            toolchain=str(installation.toolchain),
        ),
        "utf-8",
    )
    command.chmod(0o755)
    base.make(installation)  # last: with its description the lane is complete
    return True


if __name__ == "__main__":
    try:
        install(Path(sys.argv[1]))
    except (NotMadeError, base.BaseError) as problem:
        sys.exit(f"no fast lane: {problem}")
    # Not by the interpreter's own end: a thread of the engine that drops a Python object meanwhile would abort it.
    sys.stdout.flush()
    os._exit(0)
