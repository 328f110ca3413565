"""Components taken apart: the parts behave as the whole, and what two components share is the same part."""

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wasmtime import Store, wat2wasm
from wasmtime.component import Linker

from local.spin_host.compile_cache import CompileCache, digest_of
from local.spin_host.engine import new_engine
from local.spin_host.shared_modules import take_apart

_LARGE = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))" * 4000
"""More code than a module may have that stays in its component."""
_CODE = f"""(core module $code
  (type $unused (func (param i64 f32)))
  (import "own" "memory" (memory 1))
  (import "own" "base" (global $base i32))
  (import "own" "table" (table 1 funcref))
  (global $count (export "count") (mut i32) (i32.const 3))
  (table (export "functions") 1 2 funcref)
  (func (export "add") (param i32) (result i32)
    {_LARGE}
    (i32.add (local.get 0) (i32.load8_u (global.get $base)))))"""


@cache
def component(value: int, code: str = _CODE) -> bytes:
    """A component with ``run``, which adds 4000 and what its memory begins with: ``value``."""
    return bytes(
        wat2wasm(f"""(component
          (core module $own
            (memory (export "memory") 1)
            (global (export "base") i32 (i32.const 8))
            (table (export "table") 1 funcref)
            (data (i32.const 8) "\\{value:02x}"))
          {code}
          (core instance $memory (instantiate $own))
          (core instance $running (instantiate $code (with "own" (instance $memory))))
          (func (export "run") (param "to" s32) (result s32) (canon lift (core func $running "add"))))""")
    )


def run(kept: CompileCache, path: Path, content: bytes) -> int:
    path.write_bytes(content)
    engine = new_engine()
    compiled = kept.load(engine, digest_of(content), path)
    linker = Linker(engine)
    with linker.root() as root:
        for name, module in compiled.modules.items():
            root.add_module(name, module)
    with Store(engine) as store:
        store.set_epoch_deadline(10)
        function = linker.instantiate(store, compiled.component).get_func(store, "run")
        assert function is not None
        answer: int = function(store, 0)
    return answer


def test_parts_behave_as_the_whole(tmp_path: Path) -> None:
    kept = CompileCache(tmp_path / "cache")
    assert run(kept, tmp_path / "one.wasm", component(5)) == 4005
    before = set((tmp_path / "cache").glob("*.cwasm"))
    assert run(kept, tmp_path / "two.wasm", component(7)) == 4007
    # The second component adds itself; the code was there.
    assert len(set((tmp_path / "cache").glob("*.cwasm")) - before) == 1


def test_what_is_shared_is_the_same_part() -> None:
    one, two = take_apart(component(5)), take_apart(component(7))
    assert one.modules == two.modules
    assert len(one.modules) == 1
    assert one.shell != two.shell


def test_a_shared_module_that_is_gone_is_made_anew(tmp_path: Path) -> None:
    kept, content = CompileCache(tmp_path / "cache"), component(5)
    run(kept, tmp_path / "one.wasm", content)
    (module,) = take_apart(content).modules.values()
    (file,) = (tmp_path / "cache").glob(f"{digest_of(module).removeprefix('sha256:')}*")
    file.unlink()
    assert run(kept, tmp_path / "one.wasm", content) == 4005


@pytest.mark.parametrize("content", [b"", b"\0asm", bytes(wat2wasm("(module)")), bytes(wat2wasm("(component)"))])
def test_what_has_nothing_to_share_is_one_part(content: bytes) -> None:
    assert take_apart(content).shell == content


@given(st.data())
def test_damaged_components_are_one_part_or_parts(data: st.DataObject) -> None:
    content = bytearray(component(5))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, 400))] = data.draw(st.integers(0, 255))
    take_apart(bytes(content))
