"""Components written with another memory: the engine reads back what was in it."""

import pytest
from fast_lane.binary import COMPONENT, PAGE, FormatError, section
from fast_lane.snapshot import MOST_SEGMENTS, component, is_made_from, memory_module
from hypothesis import given, settings
from hypothesis import strategies as st
from wasmtime import Engine, Instance, Memory, Module, Store, wat2wasm

_CORE = bytes(wat2wasm('(module (memory (export "memory") 1) (data (i32.const 8) "base") (func (export "f")))'))
BASE = COMPONENT + section(0, b"\1x") + section(1, _CORE) + section(0, b"\1y")
ENGINE = Engine()


def written(memory: bytes, stack_pointer: int = 0) -> bytes:
    return b"".join(component(BASE, memoryview(memory), stack_pointer))


def read_back(content: bytes) -> bytes:
    module = memory_module(content)
    store = Store(ENGINE)
    instance = Instance(store, Module(ENGINE, content[module.start : module.end]), [])
    memory = instance.exports(store)["memory"]
    assert isinstance(memory, Memory)
    return bytes(memory.read(store))


memories = st.lists(st.tuples(st.integers(0, 2 * PAGE - 300), st.binary(max_size=300)), max_size=8)


@settings(max_examples=50)
@given(memories)
def test_memory_comes_back(patches: list[tuple[int, bytes]]) -> None:
    memory = bytearray(2 * PAGE)
    for start, content in patches:
        memory[start : start + len(content)] = content
    assert read_back(written(bytes(memory))) == memory


def test_the_dead_stack_is_left_out() -> None:
    memory = b"x" * PAGE
    assert read_back(written(memory, 100)) == bytes(100) + memory[100:]


def test_segments_stay_within_what_engines_read() -> None:
    # A byte every 65: one segment each, if gaps were never bridged.
    memory = bytearray(PAGE * 200)
    memory[::70] = b"x" * len(memory[::70])
    assert len(memory[::70]) > MOST_SEGMENTS
    assert read_back(written(bytes(memory))) == memory


def test_only_the_memory_differs() -> None:
    assert is_made_from(BASE, written(b"x" * PAGE))
    assert is_made_from(BASE, written(bytes(3 * PAGE)))


def test_a_base_without_its_memory_serves_as_well() -> None:
    memory = memoryview(b"x" * PAGE)
    template = written(b"")
    assert b"base" not in template
    assert is_made_from(template, BASE)
    assert b"".join(component(template, memory, 0)) == b"".join(component(BASE, memory, 0))


def test_other_code_is_told_apart() -> None:
    other = bytes(wat2wasm('(module (memory (export "memory") 1) (data (i32.const 8) "base") (func (export "g")))'))
    assert not is_made_from(BASE, COMPONENT + section(0, b"\1x") + section(1, other) + section(0, b"\1y"))
    assert not is_made_from(BASE, BASE + section(0, b"\1z"))
    assert not is_made_from(BASE, b"")
    assert not is_made_from(BASE, COMPONENT)


def test_half_a_page_is_no_memory() -> None:
    with pytest.raises(FormatError):
        written(bytes(100))
