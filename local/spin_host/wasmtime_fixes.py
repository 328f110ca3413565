"""Three corrections to ``wasmtime==50.0.1``, kept in one place because they reach into private parts of that package.

Importing `local.spin_host` code that talks to wasmtime goes through `apply`, which refuses any other version: a newer
one may have repaired these, or may have moved what is patched here. ``local/tests/spin_host/test_wasmtime_fixes.py``
shows each one at work.

1. **Variants always carry their tag.** The package passes a variant without its tag when the Python types of the cases
   differ. For ``result<option<T>, error>`` with a payload-less case it then cannot tell the cases apart, and hosts
   cannot express some errors at all. Here every variant, option and result is a `wasmtime.component.Variant`.
2. **Byte lists move as one block.** The package converts ``list<u8>`` one element at a time through ctypes, which makes
   a body of a megabyte take seconds. Here the 16-byte value cells are filled and read by slices.
3. **An exception in a host function stays in its own request.** The package keeps the last one in a global and raises
   it in whichever thread returns next. Here it becomes the trap of its own call.
"""

import ctypes
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Final

from wasmtime import StoreContext, WasmtimeError, _ffi
from wasmtime.component import _linker, _types

WASMTIME_VERSION: Final = "50.0.1"

HOST_FAILURE: Final = "host function failed"
"""Begins the text of a trap that an exception in a host function became; what follows may name this machine's paths."""

_CELL: Final = ctypes.sizeof(_ffi.wasmtime_component_val_t)
_PAYLOAD: Final = _ffi.wasmtime_component_val_t.of.offset
_U8_KIND: Final = _ffi.WASMTIME_COMPONENT_U8.value

_list_to_c = _types.ListType.convert_to_c
_list_from_c = _types.ListType.convert_from_c


def apply() -> None:
    """Install the corrections; calling it again changes nothing.

    Raises
    ------
    RuntimeError
        Another wasmtime is installed than the one these corrections were written for.
    """
    installed = version("wasmtime")
    if installed != WASMTIME_VERSION:
        raise RuntimeError(
            f"wasmtime {installed} is installed, but the function runtime is written for {WASMTIME_VERSION}: "
            "install the pinned version, or check local/spin_host/wasmtime_fixes.py against the new one"
        )
    _types.VariantLikeType._tagged = _always_tagged  # type: ignore[method-assign,assignment]  # see 1. above
    _types.ListType.convert_to_c = _bytes_to_c  # type: ignore[method-assign]  # see 2. above
    _types.ListType.convert_from_c = _bytes_from_c  # type: ignore[method-assign]  # see 2. above
    _linker.catch_exceptions = _trap_on_exception  # type: ignore[attr-defined,assignment]  # see 3. above


def _always_tagged(_self: _types.VariantLikeType) -> bool:
    return True


def _bytes_to_c(self: _types.ListType, store: Any, val: Any, ptr: Any) -> None:
    if not self._is_bytes():
        _list_to_c(self, store, val, ptr)
        return
    size = len(val)
    raw = _ffi.wasmtime_component_vallist_t()
    _ffi.wasmtime_component_vallist_new_uninit(raw, size)
    if size:
        cells = bytearray(size * _CELL)
        cells[0::_CELL] = bytes([_U8_KIND]) * size
        cells[_PAYLOAD::_CELL] = val
        ctypes.memmove(raw.data, bytes(cells), size * _CELL)
    ptr.contents.kind = _ffi.WASMTIME_COMPONENT_LIST
    ptr.contents.of.list = raw


def _bytes_from_c(self: _types.ListType, c: Any) -> Any:
    if not self._is_bytes():
        return _list_from_c(self, c)
    size = c.of.list.size
    value = ctypes.string_at(c.of.list.data, size * _CELL)[_PAYLOAD::_CELL] if size else b""
    _ffi.wasmtime_component_vallist_delete(ctypes.byref(c.of.list))
    return value


def _trap_on_exception(context: Any, func: Callable[[StoreContext], None]) -> Any:
    store = StoreContext(context)
    try:
        func(store)
    except WasmtimeError as error:
        failure = error
    except Exception as error:
        failure = WasmtimeError(f"{HOST_FAILURE}: {type(error).__name__}: {error}")
    else:
        return 0
    finally:
        store._invalidate()
    return ctypes.cast(failure._consume(), ctypes.c_void_p).value
