"""What the Python of a component lacks, and what to use instead.

The list is what componentize-py 0.17.2's CPython 3.12 could not import of its own standard library, and what it said of
threads, processes and sockets (local/tests/spin_host/test_missing_modules.py asks it again).
"""

from typing import Final

from builder.packages.requirements import NAME_THE_PACKAGE

_HTTP: Final = "For HTTP requests use spin_sdk.http.send."
_COMPRESSION: Final = "WebAssembly's Python has no compression modules."
_TLS: Final = f"WebAssembly's Python has no TLS. {_HTTP}"
_PROCESSES: Final = "A component has no processes."
_TERMINAL: Final = "A component has no terminal."
_USERS: Final = "A component has no users and groups."

MISSING: Final[dict[str, str]] = {
    **dict.fromkeys(("zlib", "bz2", "_bz2", "lzma", "_lzma"), _COMPRESSION),
    **dict.fromkeys(("ssl", "_ssl"), _TLS),
    "_hashlib": "WebAssembly's Python has no OpenSSL; hashlib's own algorithms work.",
    **dict.fromkeys(("sqlite3", "_sqlite3"), "Spin has SQLite of its own: use spin_sdk.sqlite."),
    **dict.fromkeys(("_multiprocessing", "_posixsubprocess", "_posixshmem"), _PROCESSES),
    **dict.fromkeys(("ctypes", "_ctypes"), "A component cannot load native libraries."),
    **dict.fromkeys(("termios", "readline", "curses", "_curses", "_curses_panel"), _TERMINAL),
    **dict.fromkeys(("pwd", "grp", "spwd", "nis"), _USERS),
    **dict.fromkeys(("_tkinter", "tkinter"), "A component has no display."),
    **dict.fromkeys(("_dbm", "_gdbm"), "Keep data in spin_sdk.key_value."),
    **dict.fromkeys(("fcntl", "mmap", "resource", "syslog"), "WebAssembly's Python does not have this module."),
}
"""Name of a module of the standard library to a sentence about it."""

_SDK_INTERFACES: Final = "spin_sdk.wit.imports."
_HTTP_CLIENTS: Final = frozenset({"requests", "httpx", "urllib3", "httpcore", "aiohttp", "botocore"})


def advice_for_module(name: str, packages: frozenset[str] = frozenset()) -> str | None:
    """Say what to do about a module that cannot be imported; None for one that a package lacks for its own reasons.

    Parameters
    ----------
    name
        The module that Python did not find.
    packages
        Top-level names of the packages that the import went through.
    """
    if name.startswith(_SDK_INTERFACES):
        interface = name.removeprefix(_SDK_INTERFACES)
        return (
            f"The SDK looks for Spin's {interface} interface under a name that componentize-py does not give it: add "
            f"--import-interface-name fermyon:spin/{interface}@2.0.0={interface} to the build command."
        )
    module = name.partition(".")[0]
    if module in _HTTP_CLIENTS:
        return f"{module} cannot run in a component, which has no sockets. {_HTTP}"
    advice = MISSING.get(module)
    if advice is None and not packages:
        return NAME_THE_PACKAGE
    if advice is not None and packages & _HTTP_CLIENTS and _HTTP not in advice:
        return f"{advice} {_HTTP}"
    return advice


def advice_for_exception(kind: str, text: str) -> str | None:
    """Say what to do about an exception that only a component raises; None for any other."""
    if kind == "RuntimeError" and "can't start new thread" in text:
        return "A component has no threads."
    if kind == "OSError" and "does not support processes" in text:
        return _PROCESSES
    if kind in ("gaierror", "URLError", "ConnectionError"):
        return f"Nothing can be reached while the app is imported. {_HTTP}"
    return None
