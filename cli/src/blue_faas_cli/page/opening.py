"""Opening the user's browser at an address that holds a secret."""

import html
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def opened(address: str) -> Iterator[bool]:
    """Have the browser open ``address``; yields whether there is one.

    A browser is given its address on its command line, which every user of the machine can read. So it is led there by
    a file that only this user can read, and that is gone at the end.
    """
    with tempfile.TemporaryDirectory(prefix="blue-ui-") as folder:  # of mode 700
        page = Path(folder) / "open.html"
        target = html.escape(address, quote=True)
        page.write_text(
            f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={target}">'
            f'<title>Blue FaaS</title><a href="{target}">Blue FaaS</a>',
            "utf-8",
        )
        yield webbrowser.open(page.as_uri())
