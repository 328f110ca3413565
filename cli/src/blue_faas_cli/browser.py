"""Whether there is a browser to open, and a person to look at it."""

import os
import sys
import webbrowser


def can_open() -> bool:
    """Whether somebody sits at a terminal of a machine that shows windows, or has named a browser in BROWSER."""
    if not sys.stderr.isatty():
        return False
    shows = any(os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))
    return shows or sys.platform in ("darwin", "win32")


def open_address(address: str) -> bool:
    """Have the browser open an address that holds no secret: other users of the machine see command lines."""
    return can_open() and webbrowser.open(address)
