"""What kind of WebAssembly a file holds, by its first eight bytes.

Source: https://webassembly.github.io/spec/core/binary/modules.html (module version 1), the component model's Binary.md
(version 0x0d, layer 1).
"""

from enum import StrEnum
from typing import Final

_MAGIC: Final = b"\x00asm"


class WasmKind(StrEnum):
    """Kinds that a push tells apart."""

    COMPONENT = "component"
    CORE_MODULE = "core module"
    TEXT = "text format"
    NOT_WASM = "not WebAssembly"


def wasm_kind(content: bytes) -> WasmKind:
    """Tell the kind from the header; what follows is not looked at."""
    if content[:4] == _MAGIC:
        layer = content[6:8]
        if layer == b"\x01\x00":
            return WasmKind.COMPONENT
        if content[4:8] == b"\x01\x00\x00\x00":
            return WasmKind.CORE_MODULE
        return WasmKind.NOT_WASM
    text = content[:4096].lstrip()
    return WasmKind.TEXT if text.startswith((b"(module", b"(component", b";;")) else WasmKind.NOT_WASM
