"""What the builder says a component's Python lacks is what it lacks."""

from builder.compile.missing_modules import MISSING

from local.tests.spin_host.pods import Pod

WRAPPERS = {"bz2", "lzma", "ssl", "sqlite3", "ctypes", "curses", "tkinter"}
"""Pure Python, around a module in C of the same name that is not there."""
OF_OTHER_SYSTEMS = {"_msi", "msilib", "_overlapped", "_scproxy", "_winapi", "msvcrt", "nt", "winreg", "winsound"}
OBSOLETE = {"ossaudiodev", "_uuid"}


def test_the_table_names_what_is_not_there(pod: Pod) -> None:
    not_there = set(pod.get("/not-there").json())
    assert {name for name in WRAPPERS if f"_{name}" not in not_there} == set()
    assert MISSING.keys() - WRAPPERS - not_there == set()
    assert not_there - MISSING.keys() - OF_OTHER_SYSTEMS - OBSOLETE == set()
