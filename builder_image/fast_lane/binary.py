"""The WebAssembly binary format, as far as the lane reads and writes it: sections, imports, globals, exports.

Source: WebAssembly core specification 2.0, chapter 5 (binary format). Reads only what componentize-py writes: an
encoding that is not known here is an error, never a guess.
"""

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

PAGE: Final = 65536
CORE_MODULE: Final = b"\0asm\x01\0\0\0"
COMPONENT: Final = b"\0asm\x0d\0\x01\0"
HEADER: Final = 8

I32: Final = 0x7F
_END: Final = 0x0B
_I32_CONST: Final = 0x41
_CONSTANTS: Final = {_I32_CONST, 0x42, 0x23, 0xD2, 0xD0}
"""i32.const, i64.const, global.get, ref.func, ref.null: one LEB128 follows."""
_FLOATS: Final = {0x43: 4, 0x44: 8}
_ARITHMETIC: Final = {0x6A, 0x6B, 0x6C, 0x7C, 0x7D, 0x7E}
"""Extended constant expressions: add, sub, mul of i32 and i64."""


class FormatError(Exception):
    """The bytes are not what the lane knows how to read."""


class Id(enum.IntEnum):
    """Sections of a core module."""

    CUSTOM = 0
    TYPE = 1
    IMPORT = 2
    FUNCTION = 3
    TABLE = 4
    MEMORY = 5
    GLOBAL = 6
    EXPORT = 7
    START = 8
    ELEMENT = 9
    CODE = 10
    DATA = 11
    DATA_COUNT = 12


class ComponentId(enum.IntEnum):
    """Sections of a component (component-model, design/mvp/Binary.md)."""

    CORE_MODULE = 1
    CORE_INSTANCE = 2
    CORE_TYPE = 3
    ALIAS = 6
    CANON = 8
    IMPORT = 10


class Kind(enum.IntEnum):
    """What an import or export is."""

    FUNCTION = 0
    TABLE = 1
    MEMORY = 2
    GLOBAL = 3


@dataclass(frozen=True, slots=True)
class Section:
    """One section: ``start`` is its id's offset, ``body`` to ``end`` what it holds."""

    id: int
    start: int
    body: int
    end: int


@dataclass(frozen=True, slots=True)
class Import:
    """One import; ``description`` is its encoded kind and type."""

    module: str
    name: str
    kind: int
    description: bytes


@dataclass(frozen=True, slots=True)
class Global:
    """One global that the module defines."""

    index: int
    type: int
    mutable: bool
    initial: int | None
    """Value of an ``i32.const`` initialiser; None for any other."""


@dataclass(frozen=True, slots=True)
class Export:
    """One export."""

    name: str
    kind: int
    index: int


class Reader:
    """Reads values one after the other.

    Raises
    ------
    FormatError
        From every method: the data ends, or holds something that is not known here.
    """

    __slots__ = ("data", "position")

    def __init__(self, data: bytes | memoryview, position: int = 0) -> None:
        self.data = data
        self.position = position

    def byte(self) -> int:
        """One byte."""
        try:
            value = self.data[self.position]
        except IndexError:
            raise FormatError("ends too early") from None
        self.position += 1
        return value

    def unsigned(self) -> int:
        """Unsigned LEB128."""
        result = shift = 0
        while True:
            value = self.byte()
            result |= (value & 0x7F) << shift
            shift += 7
            if not value & 0x80:
                return result

    def signed(self) -> int:
        """Signed LEB128."""
        result = shift = 0
        while True:
            value = self.byte()
            result |= (value & 0x7F) << shift
            shift += 7
            if not value & 0x80:
                return result - (1 << shift) if value & 0x40 else result

    def raw(self, size: int) -> bytes:
        """``size`` bytes."""
        end = self.position + size
        if end > len(self.data):
            raise FormatError("ends too early")
        value = bytes(self.data[self.position : end])
        self.position = end
        return value

    def name(self) -> str:
        """Read a length and so many bytes of UTF-8."""
        try:
            return self.raw(self.unsigned()).decode()
        except UnicodeDecodeError:
            raise FormatError("a name is not UTF-8") from None

    def limits(self) -> None:
        """Limits of a table or memory, passed over."""
        flags = self.byte()
        self.unsigned()
        if flags & 1:
            self.unsigned()

    def constant(self) -> int | None:
        """Read a constant expression; answer its value if it is a plain ``i32.const``."""
        value, operations = None, 0
        while (opcode := self.byte()) != _END:
            operations += 1
            if opcode in _CONSTANTS:
                found = self.signed()
                value = found if opcode == _I32_CONST else None
            elif opcode in _FLOATS:
                self.raw(_FLOATS[opcode])
                value = None
            elif opcode not in _ARITHMETIC:
                raise FormatError(f"opcode {opcode:#x} in a constant expression")
        return value if operations == 1 else None


def unsigned(value: int) -> bytes:
    """Unsigned LEB128."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def signed(value: int) -> bytes:
    """Signed LEB128."""
    out = bytearray()
    while True:
        low = value & 0x7F
        value >>= 7
        if value == (-1 if low & 0x40 else 0):
            out.append(low)
            return bytes(out)
        out.append(low | 0x80)


def text(value: str) -> bytes:
    """Encode a name: length and UTF-8."""
    encoded = value.encode()
    return unsigned(len(encoded)) + encoded


def section(section_id: int, body: bytes) -> bytes:
    """Put a section around ``body``."""
    return bytes([section_id]) + unsigned(len(body)) + body


def sections(data: bytes | memoryview, start: int, end: int) -> Iterator[Section]:
    """Find the sections between two offsets.

    Raises
    ------
    FormatError
        They do not fill the space exactly.
    """
    reader = Reader(data, start)
    while reader.position < end:
        at = reader.position
        section_id = reader.byte()
        size = reader.unsigned()
        body = reader.position
        if body + size > end:
            raise FormatError("a section is larger than what holds it")
        yield Section(section_id, at, body, body + size)
        reader.position = body + size


class CoreModule:
    """A core module inside ``data``, read when asked."""

    def __init__(self, data: bytes | memoryview, start: int, end: int) -> None:
        if bytes(data[start : start + HEADER]) != CORE_MODULE:
            raise FormatError("no core module of version 1")
        self.data = data
        self.start = start
        self.end = end
        self.sections = tuple(sections(data, start + HEADER, end))

    def section(self, section_id: int) -> Section | None:
        """Find the section of an id that a module has at most once."""
        return next((found for found in self.sections if found.id == section_id), None)

    def bytes_of(self, found: Section) -> bytes:
        """Return a whole section, its id and size included."""
        return bytes(self.data[found.start : found.end])

    def imports(self) -> list[Import]:
        """Its imports, in order."""
        result = []
        for reader in self._entries(Id.IMPORT):
            module, name = reader.name(), reader.name()
            at = reader.position
            kind = reader.byte()
            if kind == Kind.FUNCTION:
                reader.unsigned()
            elif kind == Kind.TABLE:
                reader.byte()
                reader.limits()
            elif kind == Kind.MEMORY:
                reader.limits()
            elif kind == Kind.GLOBAL:
                reader.raw(2)
            else:
                raise FormatError(f"import of kind {kind}")
            result.append(Import(module, name, kind, bytes(self.data[at : reader.position])))
        return result

    def globals(self) -> list[Global]:
        """List the globals that it defines."""
        first = sum(entry.kind == Kind.GLOBAL for entry in self.imports())
        result: list[Global] = []
        for reader in self._entries(Id.GLOBAL):
            kind, mutable = reader.byte(), reader.byte()
            result.append(Global(first + len(result), kind, bool(mutable), reader.constant()))
        return result

    def exports(self) -> list[Export]:
        """Its exports."""
        return [Export(reader.name(), reader.byte(), reader.unsigned()) for reader in self._entries(Id.EXPORT)]

    def custom(self) -> Iterator[tuple[str, Section]]:
        """Find custom sections, with their names."""
        for found in self.sections:
            if found.id == Id.CUSTOM:
                yield Reader(self.data, found.body).name(), found

    @property
    def name(self) -> str | None:
        """What the name section calls the module (appendix 7.4.1 of the specification: subsection 0)."""
        for name, found in self.custom():
            if name == "name":
                reader = Reader(self.data, found.body)
                reader.name()
                if reader.position < found.end and reader.byte() == 0:
                    reader.unsigned()
                    return reader.name()
        return None

    def _entries(self, section_id: int) -> Iterator[Reader]:
        """Yield a reader for each entry of a section that is a vector; the caller reads exactly one entry."""
        found = self.section(section_id)
        if found is None:
            return
        reader = Reader(self.data, found.body)
        for _ in range(reader.unsigned()):
            yield reader
        if reader.position != found.end:
            raise FormatError(f"section {section_id} is longer than its entries")


def import_section(imports: Iterable[Import]) -> bytes:
    """Encode an import section."""
    entries = [text(entry.module) + text(entry.name) + entry.description for entry in imports]
    return section(Id.IMPORT, unsigned(len(entries)) + b"".join(entries))


def export_section(exports: Iterable[Export]) -> bytes:
    """Encode an export section."""
    entries = [text(entry.name) + bytes([entry.kind]) + unsigned(entry.index) for entry in exports]
    return section(Id.EXPORT, unsigned(len(entries)) + b"".join(entries))
