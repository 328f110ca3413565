"""Take a component apart into what it shares with others and what is its own.

Python components differ in their memory and share the code: CPython, libc, the SDK's bindings. Each core module with
much code becomes an import of the component, for which any module of that type may stand; what is left compiles in no
time.

Source: component-model, design/mvp/Binary.md (core:moduletype, importdecl).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from fast_lane.binary import (
    COMPONENT,
    HEADER,
    ComponentId,
    CoreModule,
    FormatError,
    Id,
    Kind,
    Reader,
    section,
    sections,
    text,
    unsigned,
)

_MODULE_TYPE: Final = 0x50
_FUNCTION_TYPE: Final = 0x60
_CODE_BYTES: Final = 16_384
"""Modules with less code than this stay: looking them up would take as long as compiling them."""
_NAMES: Final = "name"
"""The one custom section that the engine reads, for backtraces."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A component whose large modules are imports, and those modules by the names of the imports."""

    shell: bytes
    modules: Mapping[str, bytes]


def take_apart(content: bytes) -> Parts:
    """Take a component apart; one that is of another form than is known here is one part."""
    try:
        return _take_apart(content)
    except (FormatError, KeyError, IndexError):  # the last two: an index or a kind that is out of range
        return Parts(content, {})


def _take_apart(content: bytes) -> Parts:
    if content[:HEADER] != COMPONENT:
        raise FormatError("no component")
    found = list(sections(content, HEADER, len(content)))
    if any(entry.id == ComponentId.CORE_TYPE for entry in found):
        raise FormatError("has core types of its own")
    shell = [content[:HEADER]]
    modules: dict[str, bytes] = {}
    for entry in found:
        module = CoreModule(content, entry.body, entry.end) if entry.id == ComponentId.CORE_MODULE else None
        code = module.section(Id.CODE) if module is not None else None
        if module is None or code is None or code.end - code.body < _CODE_BYTES:
            shell.append(content[entry.start : entry.end])
            continue
        alone = _without_custom_sections(module)
        name = f"module-{len(modules)}"
        shell.append(section(ComponentId.CORE_TYPE, unsigned(1) + _type_of(module)))
        shell.append(section(ComponentId.IMPORT, unsigned(1) + b"\0" + text(name) + b"\0\x11" + unsigned(len(modules))))
        modules[name] = alone
    return Parts(b"".join(shell), modules)


def _without_custom_sections(module: CoreModule) -> bytes:
    dropped = {found.start for name, found in module.custom() if name != _NAMES}
    kept = [module.bytes_of(found) for found in module.sections if found.start not in dropped]
    return bytes(module.data[module.start : module.start + HEADER]) + b"".join(kept)


def _type_of(module: CoreModule) -> bytes:
    """Encode a module's type: its function types, then what it imports and exports in terms of them."""
    types = _types(module)
    imports = module.imports()
    spaces: dict[int, list[bytes]] = {kind: [] for kind in Kind}
    for entry in imports:
        spaces[entry.kind].append(entry.description)
    for section_id, kind in (
        (Id.FUNCTION, Kind.FUNCTION),
        (Id.TABLE, Kind.TABLE),
        (Id.MEMORY, Kind.MEMORY),
        (Id.GLOBAL, Kind.GLOBAL),
    ):
        spaces[kind] += [bytes([kind]) + description for description in _descriptions(module, section_id)]
    declarations = [b"\1" + entry for entry in types]
    declarations += [b"\0" + text(entry.module) + text(entry.name) + entry.description for entry in imports]
    declarations += [b"\3" + text(entry.name) + spaces[entry.kind][entry.index] for entry in module.exports()]
    return bytes([_MODULE_TYPE]) + unsigned(len(declarations)) + b"".join(declarations)


def _types(module: CoreModule) -> list[bytes]:
    result: list[bytes] = []
    for reader in _vector(module, Id.TYPE):
        at = reader.position
        if reader.byte() != _FUNCTION_TYPE:
            raise FormatError("a type of no function")
        for _ in range(2):
            reader.raw(reader.unsigned())
        result.append(bytes(module.data[at : reader.position]))
    return result


def _descriptions(module: CoreModule, section_id: int) -> list[bytes]:
    result = []
    for reader in _vector(module, section_id):
        at = reader.position
        if section_id == Id.FUNCTION:
            reader.unsigned()
        elif section_id == Id.TABLE:
            reader.byte()
            reader.limits()
        elif section_id == Id.MEMORY:
            reader.limits()
        else:
            reader.raw(2)
        end = reader.position
        if section_id == Id.GLOBAL:
            reader.constant()
        result.append(bytes(module.data[at:end]))
    return result


def _vector(module: CoreModule, section_id: int) -> Iterator[Reader]:
    """Yield a reader for each entry of a section; the caller reads exactly one entry."""
    found = module.section(section_id)
    if found is not None:
        reader = Reader(module.data, found.body)
        for _ in range(reader.unsigned()):
            yield reader
