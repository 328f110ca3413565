"""Write a component with another memory: the base's bytes, and the first module's memory as an app left it.

Nothing else differs between two apps of a base.
"""

from collections.abc import Iterator
from typing import Final

from fast_lane.binary import (
    COMPONENT,
    HEADER,
    PAGE,
    ComponentId,
    CoreModule,
    FormatError,
    Id,
    Section,
    section,
    sections,
    signed,
)
from fast_lane.binary import unsigned as leb

MOST_SEGMENTS: Final = 100_000
"""Data segments of a module that wasmparser reads (crates/wasmparser/src/limits.rs), and so wasmtime and Spin."""

_GAP: Final = 64
"""Zeros that end a segment: fewer cost less than another segment's head and the time to find it."""
_ACTIVE: Final = b"\0\x41"
_END: Final = b"\x0b"
_LOOK: Final = 256
_LONGEST_LOOK: Final = 65536


def component(base: bytes, memory: memoryview, stack_pointer: int) -> list[bytes | memoryview]:
    """Write the component, in pieces.

    Parameters
    ----------
    stack_pointer
        Memory below it is left out: nothing runs, so nothing there will be read.

    Raises
    ------
    FormatError
        The base is none, or the memory is no whole number of pages.
    """
    pages, rest = divmod(len(memory), PAGE)
    if rest:
        raise FormatError("the memory is no whole number of pages")
    module = memory_module(base)
    segments = _segments(memory, stack_pointer)
    parts: list[bytes | memoryview] = [base[module.start : module.start + HEADER]]
    for found in module.sections:
        if found.id == Id.MEMORY:
            parts.append(section(Id.MEMORY, b"\1\0" + leb(pages)))
        elif found.id == Id.DATA_COUNT:
            parts.append(section(Id.DATA_COUNT, leb(len(segments))))
        elif found.id == Id.DATA:
            parts.extend(_data_section(memory, segments))
        else:
            parts.append(module.bytes_of(found))
    before = _section_of(base, module)
    head = base[: before.start] + bytes([ComponentId.CORE_MODULE]) + leb(sum(map(len, parts)))
    return [head, *parts, base[before.end :]]


def memory_module(component_bytes: bytes | memoryview) -> CoreModule:
    """Find the core module that owns the memory: the first, as componentize-py writes components.

    Raises
    ------
    FormatError
        It is not as expected.
    """
    if bytes(component_bytes[:HEADER]) != COMPONENT:
        raise FormatError("no component")
    for found in sections(component_bytes, HEADER, len(component_bytes)):
        if found.id == ComponentId.CORE_MODULE:
            module = CoreModule(component_bytes, found.body, found.end)
            if not {Id.MEMORY, Id.DATA} <= {entry.id for entry in module.sections}:
                break
            return module
    raise FormatError("the first core module does not hold the memory")


def is_made_from(base: bytes, candidate: bytes) -> bool:
    """Whether a component is the base with another memory: the same code, byte for byte.

    Says how a component was made without trusting who made it.
    """
    try:
        ours, theirs = memory_module(base), memory_module(candidate)
    except FormatError:
        return False
    return _shell(base, ours) == _shell(candidate, theirs)


def _shell(content: bytes, module: CoreModule) -> tuple[bytes, list[bytes | int], bytes]:
    """Everything but the memory."""
    outer = _section_of(content, module)
    memory = {Id.MEMORY, Id.DATA, Id.DATA_COUNT}
    inner = [entry.id if entry.id in memory else module.bytes_of(entry) for entry in module.sections]
    return content[: outer.start], inner, content[outer.end :]


def _section_of(content: bytes, module: CoreModule) -> Section:
    return next(found for found in sections(content, HEADER, len(content)) if found.body == module.start)


def _data_section(memory: memoryview, segments: list[tuple[int, int]]) -> Iterator[bytes | memoryview]:
    heads = [_ACTIVE + signed(_as_i32(start)) + _END + leb(end - start) for start, end in segments]
    count = leb(len(segments))
    size = len(count) + sum(map(len, heads)) + sum(end - start for start, end in segments)
    yield bytes([Id.DATA]) + leb(size) + count
    for head, (start, end) in zip(heads, segments, strict=True):
        yield head
        yield memory[start:end]


def _as_i32(address: int) -> int:
    return address - (1 << 32) if address >= 1 << 31 else address


def _segments(memory: memoryview, start: int) -> list[tuple[int, int]]:
    """Start and end of everything from ``start`` on that is not zero; longer gaps where there would be too many."""
    gap = _GAP
    while True:
        found = list(_between_zeros(memory, start, gap))
        if len(found) <= MOST_SEGMENTS:
            return found
        gap *= 4


def _between_zeros(memory: memoryview, start: int, gap: int) -> Iterator[tuple[int, int]]:
    content, zeros = bytes(memory[start:]), bytes(gap)
    position = 0
    while True:
        # Most gaps are short, some are megabytes long: zeros are passed over in blocks that grow.
        look = _LOOK
        while position < len(content) and not (rest := content[position : position + look].lstrip(b"\0")):
            position += look
            look = min(4 * look, _LONGEST_LOOK)
        if position >= len(content):
            return
        position = min(position + look, len(content)) - len(rest)
        end = content.find(zeros, position)
        if end < 0:
            end = len(content.rstrip(b"\0"))
            yield start + position, start + end
            return
        yield start + position, start + end
        position = end
