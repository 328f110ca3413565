"""What stands between the app and WASI while it is imported: guards.wat, and `listings`."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import wasmtime

from fast_lane.errors import RefusedError
from fast_lane.listings import BUFFER, Listings

WASI: Final = "wasi_snapshot_preview1"
GUARDS: Final = "guards.cwasm"
LISTER: Final = "lister.cwasm"
GUARDED: Final = (
    "fd_filestat_get",
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
    "path_link",
    "path_open",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
    "poll_oneoff",
)
"""WASI functions that guards.wat defines anew."""

FILES: Final = (GUARDS, LISTER)


def define(
    linker: wasmtime.Linker,
    store: wasmtime.Store,
    modules: Mapping[str, wasmtime.Module],
    memory: wasmtime.Memory,
    write: Callable[[bytes, int], None],
    wait_for_bytecode: Callable[[int, int, int], None],
) -> None:
    """Define the guarded functions in the place of WASI's own.

    Parameters
    ----------
    modules
        The compiled `FILES`.
    memory
        The app's.
    write
        Puts bytes at an address in it, or raises.
    wait_for_bytecode
        Called with an open folder, and address and size of a path below it, before bytecode is opened there.
    """

    def refuse(what: str) -> Callable[[], None]:
        def refuse() -> None:
            raise RefusedError(what)

        return refuse

    def beside_wasi(module: wasmtime.Module) -> Any:
        """Return the exports of a module that takes functions of WASI from ``wasi``."""
        for entry in module.imports:
            if entry.module == "wasi":
                assert entry.name is not None  # noqa: S101 - core imports have names
                linker.define(store, "wasi", entry.name, linker.get(store, WASI, entry.name))
        return linker.instantiate(store, module).exports(store)

    linker.define(store, "memory", "memory", memory)
    for name, what in (("refuse_write", "writes files"), ("refuse_wait", "waits for files")):
        linker.define_func("lane", name, wasmtime.FuncType([], []), refuse(what))
    i32, i64 = wasmtime.ValType.i32, wasmtime.ValType.i64
    linker.define_func("lane", "wait_for_bytecode", wasmtime.FuncType([i32(), i32(), i32()], []), wait_for_bytecode)
    guards, lister = (beside_wasi(modules[name]) for name in FILES)

    def list_from(folder: int, cookie: int) -> tuple[int, bytes]:
        error: int = lister["list"](store, folder, cookie)
        size = int.from_bytes(lister["memory"].read(store, 0, 4), "little")
        return error, bytes(lister["memory"].read(store, BUFFER, BUFFER + size))

    for name in GUARDED:
        linker.define(store, WASI, name, guards[name])
    of_readdir = wasmtime.FuncType([i32(), i32(), i32(), i64(), i32()], [i32()])
    linker.define_func(WASI, "fd_readdir", of_readdir, Listings(list_from, write).read)
