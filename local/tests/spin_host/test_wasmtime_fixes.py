"""The three corrections to wasmtime, each on a small component, and that they are still needed."""

import threading
from collections.abc import Callable
from importlib import metadata
from typing import Any

import pytest
from wasmtime import Store, WasmtimeError
from wasmtime.component import Component, Linker, Variant, _enter

from local.spin_host import wasmtime_fixes
from local.spin_host.engine import new_engine

PASS_THROUGH = """
(component
  (import "host" (func $host (param "value" {type}) (result {type})))
  (core module $memory
    (memory (export "memory") 128)
    (global $free (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      global.get $free
      (global.set $free (i32.and (i32.add (i32.add (global.get $free) (local.get 3)) (i32.const 7)) (i32.const -8)))))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $m))
  (alias core export $memory "realloc" (core func $realloc))
  (core func $lowered (canon lower (func $host) (memory $m) (realloc $realloc)))
  (core module $caller
    (import "" "host" (func $host (param{flat}{pointer}) {returns}))
    (func (export "call") (param{flat}) (result i32) {arguments} call $host {result}))
  (core instance $caller (instantiate $caller (with "" (instance (export "host" (func $lowered))))))
  (func (export "call") (param "value" {type}) (result {type})
    (canon lift (core func $caller "call") (memory $m) (realloc $realloc))))
"""
"""Hands its argument to the host and the host's answer back; ``flat`` is the argument in core wasm's terms."""


def caller(kind: str, flat: int, host: Callable[..., Any], by_pointer: bool = True) -> Callable[[Any], Any]:
    """A component's function that hands its argument to ``host`` and returns the result."""
    engine = new_engine()
    parts = {
        "type": kind,
        "flat": " i32" * flat,
        "pointer": " i32" if by_pointer else "",
        "returns": "" if by_pointer else "(result i32)",
        "arguments": " ".join(f"local.get {index}" for index in range(flat)) + (" i32.const 16" if by_pointer else ""),
        "result": "i32.const 16" if by_pointer else "",
    }
    text = PASS_THROUGH
    for name, value in parts.items():
        text = text.replace("{" + name + "}", value)
    component = Component(engine, text)
    linker = Linker(engine)
    with linker.root() as root:
        root.add_func("host", host)

    def call(value: Any) -> Any:
        store = Store(engine)
        store.set_epoch_deadline(1)
        function = linker.instantiate(store, component).get_func(store, "call")
        assert function is not None
        return function(store, value)

    return call


def test_cases_of_a_result_stay_apart() -> None:
    kind = "(result (option string) (error string))"
    seen: list[Any] = []

    def host(_store: Any, value: Any) -> Any:
        seen.append(value)
        return Variant("err", "no")

    assert caller(kind, 4, host)(Variant("ok", Variant("none"))) == Variant("err", "no")
    assert seen == [Variant("ok", Variant("none"))]


@pytest.mark.parametrize("size", [0, 1, 255, 1 << 20])
def test_bytes_pass_both_ways_unchanged(size: int) -> None:
    data = bytes(index % 251 for index in range(size))
    assert caller("(list u8)", 2, lambda _store, value: value[::-1])(data) == data[::-1]


def test_other_lists_still_pass() -> None:
    assert caller("(list u32)", 2, lambda _store, value: [*value, 7])([1, 2**32 - 1]) == [1, 2**32 - 1, 7]


def test_an_exception_is_a_trap_of_its_own_call_only() -> None:
    def host(_store: Any, _value: Any) -> Any:
        raise KeyError("mine")

    failing = caller("u32", 1, host, by_pointer=False)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            failing(1)
        except WasmtimeError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert "KeyError: 'mine'" in str(failures[0])
    assert _enter.LAST_EXCEPTION is None


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wasmtime_fixes, "version", lambda _name: "51.0.0")
    with pytest.raises(RuntimeError, match=r"wasmtime 51\.0\.0 .* 50\.0\.1"):
        wasmtime_fixes.apply()
    assert metadata.version("wasmtime") == wasmtime_fixes.WASMTIME_VERSION
