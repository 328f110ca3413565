"""The app that the base component is made of; it runs inside the component, on CPython 3.12 for WASI.

componentize-py imports this module as the app, makes its ``IncomingHandler``, and loads the modules that its runtime
needs. The lane calls `begin` before it imports the real app, then `make_handler`, then `finish`; afterwards nothing
refers to this module. Nothing may be imported here that CPython has not loaded by itself, but through `shelf`.
"""

import os
import sys

import blue_faas_shelf as shelf

_PYTHON = "/python"
_ENVIRONMENT, _ARGUMENTS = os.environ, sys.argv
"""The objects that the runtime fills at the first request."""


class LimitError(Exception):
    """Memory or stack have come to an end."""


class IncomingHandler:
    """What the runtime calls `handle` of: it has none, so that the lookup comes to the app's own handler."""

    target: object = None

    def __getattr__(self, name: str) -> object:
        """Look up the app's at each call, so that it is gone from the stack when it runs."""
        return getattr(type(self).target, name)


def begin(module: str, mounts: int) -> None:
    """Make the interpreter look as it does when componentize-py imports ``module``.

    Parameters
    ----------
    mounts
        Number of folders that the app and its packages are imported from: ``/0``, ``/1``, ...
    """
    own = [f"/{number}" for number in range(mounts)]
    path = [_PYTHON, "/world", *own, "/bundled"]
    os.environ.update(
        PYTHONUNBUFFERED="1",
        COMPONENTIZE_PY_APP_NAME=module,
        PYTHONHOME=_PYTHON,
        PYTHONPATH=":".join(path),
    )
    sys.argv[:] = [""]
    sys.path[:] = [*path, *(entry for entry in sys.path if entry.startswith(_PYTHON + "/lib/"))]
    shelf.fill()
    # Other folders than the base's are mounted now. CPython looks into all of them before it starts an app: for this.
    for entry in sys.path[1:]:
        sys.path_importer_cache.pop(entry, None)
    sys.meta_path[-1].find_spec("sitecustomize")


def make_handler(module: str) -> None:
    """Make the app's handler, which runs the app's code."""
    shelf.hide()
    sys.excepthook = _report
    IncomingHandler.target = sys.modules[module].IncomingHandler()
    sys.excepthook = sys.__excepthook__


def finish() -> None:
    """Load what componentize-py's runtime loads after the app, and take back what `begin` set.

    Raises
    ------
    shelf.ReplacedError
        The app has replaced what the runtime holds on to.
    """
    shelf.clear()
    if os.environ is not _ENVIRONMENT or sys.argv is not _ARGUMENTS:
        raise shelf.ReplacedError
    for name in list(os.environ):
        del os.environ[name]
    del sys.argv[:]


def explain() -> None:
    """Say what failed, below its traceback, as componentize-py does.

    Raises
    ------
    LimitError
        The app has met a limit that need not be componentize-py's.
    """
    error = sys.last_exc
    if isinstance(error, (MemoryError, RecursionError, SystemError)):
        raise LimitError
    try:
        text = str(error).replace("\n", "\n    ")
    except Exception:  # the app's own
        text = "<exception str() failed>"
    print(f"\n\nCaused by:\n    {type(error).__qualname__}: {text}", file=sys.stderr)


def _report(kind: type, error: BaseException, traceback: object) -> None:
    """Print a traceback without the two frames that are the lane's."""
    own = traceback.tb_next.tb_next
    if own is not None:
        sys.__excepthook__(kind, error.with_traceback(own), own)


# Last: it takes a while, and what it loads is put away too.
import blue_faas_capture  # noqa: E402

blue_faas_capture.capture("/0/library")
del blue_faas_capture, sys.modules["blue_faas_capture"]
shelf.watch()
