"""The WebAssembly encodings that the lane reads and writes, against wasmtime's own assembler."""

import pytest
from fast_lane.binary import (
    CORE_MODULE,
    PAGE,
    CoreModule,
    Export,
    FormatError,
    Id,
    Kind,
    Reader,
    export_section,
    import_section,
    signed,
    unsigned,
)
from hypothesis import given
from hypothesis import strategies as st
from wasmtime import wat2wasm

MODULE = bytes(
    wat2wasm("""(module $named
      (import "a" "f" (func (param i32)))
      (import "b" "t" (table 1 2 funcref))
      (import "c" "m" (memory 1))
      (import "d" "g" (global (mut i32)))
      (global (export "one") (mut i32) (i32.const -1))
      (global i64 (i64.const 7))
      (global (mut f64) (f64.const 1))
      (func (export "run")))""")
)


@given(st.integers(0, 2**64 - 1))
def test_unsigned_numbers_come_back(value: int) -> None:
    assert Reader(unsigned(value)).unsigned() == value


@given(st.integers(-(2**63), 2**63 - 1))
def test_signed_numbers_come_back(value: int) -> None:
    assert Reader(signed(value)).signed() == value


def test_a_module_is_read() -> None:
    module = CoreModule(MODULE, 0, len(MODULE))
    assert [(entry.module, entry.name, entry.kind) for entry in module.imports()] == [
        ("a", "f", Kind.FUNCTION),
        ("b", "t", Kind.TABLE),
        ("c", "m", Kind.MEMORY),
        ("d", "g", Kind.GLOBAL),
    ]
    assert [(entry.index, entry.mutable, entry.initial) for entry in module.globals()] == [
        (1, True, -1),
        (2, False, None),
        (3, True, None),
    ]
    assert module.exports() == [Export("one", Kind.GLOBAL, 1), Export("run", Kind.FUNCTION, 1)]
    assert module.name == "named"


def test_imports_and_exports_are_written_as_they_were() -> None:
    module = CoreModule(MODULE, 0, len(MODULE))
    for section_id, written in (
        (Id.IMPORT, import_section(module.imports())),
        (Id.EXPORT, export_section(module.exports())),
    ):
        found = module.section(section_id)
        assert found is not None
        assert written == module.bytes_of(found)


@given(st.binary(max_size=200))
def test_anything_else_is_an_error_or_a_module(tail: bytes) -> None:
    content = CORE_MODULE + tail
    try:
        module = CoreModule(content, 0, len(content))
        module.imports(), module.globals(), module.exports(), module.name
    except FormatError:
        pass


@given(st.integers(8, len(MODULE) - 1))
def test_a_module_that_ends_too_early_is_an_error(end: int) -> None:
    whole = CoreModule(MODULE, 0, len(MODULE))
    if end in {section.end for section in whole.sections} | {8}:
        return
    with pytest.raises(FormatError):
        CoreModule(MODULE, 0, end)


def test_pages_are_those_of_webassembly() -> None:
    assert PAGE == 64 * 1024
