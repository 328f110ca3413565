"""The base's core modules, linked and running: CPython in WebAssembly with spin_sdk's bindings loaded.

The modules are linked as the component links them, but by their own names and with wasmtime's WASI preview 1 in place
of the component's adapter. Everything else that a component imports (HTTP, key-value, sockets, ...) is not there: a
call ends the machine. What is read back from it is data of the app that ran in it, and is treated so.
"""

import contextlib
import ctypes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import wasmtime

from fast_lane import guards
from fast_lane.errors import RefusedError
from fast_lane.installation import Base, Installation
from fast_lane.timers import Timers

FUNCTIONS: Final = (
    "PyErr_Print",
    "PyGILState_Ensure",
    "PyGILState_Release",
    "PyImport_ImportModule",
    "PyRun_SimpleString",
    "__wasilibc_reset_preopens",
    "free",
    "malloc",
)
"""What the lane calls: CPython's C API and libc. Exported by the base's libraries."""

HOST: Final = "host"
"""Module name of what a component imports from its host."""
STACK_POINTER: Final = "__stack_pointer"
MEMORY_BYTES: Final = 1 << 30
"""A component that needs more at import could not be written within the sandbox's limit on files either."""
OUTPUT_BYTES: Final = 10_000
"""componentize-py 0.17.2 takes as many of stdout and of stderr (src/lib.rs, MemoryOutputPipe); more is an error."""

_FIRST_FOLDER: Final = 3
"""Number under which WASI opens the first folder: after standard input, output and error."""
_TARGETS: Final = {"x86_64": "x86_64-unknown-linux-gnu", "aarch64": "aarch64-unknown-linux-gnu"}


def new_engine(machine: str) -> wasmtime.Engine:
    """Make an engine whose compiled code runs on every processor of an architecture: images are built on other ones."""
    config = wasmtime.Config()
    config.target = _TARGETS[machine]
    config.parallel_compilation = True
    return wasmtime.Engine(config)


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder that the app sees, by the name that it sees."""

    folder: Path
    name: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Memory after an import; everything below ``stack_pointer`` is what finished calls left behind."""

    memory: memoryview
    stack_pointer: int


class _Output:
    """What the app prints, up to the limit."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.complete = True

    def take(self, data: bytes) -> int:
        space = OUTPUT_BYTES - len(self.content)
        self.complete = self.complete and len(data) <= space
        self.content += data[:space]
        return len(data)


class Machine:
    """One run of the base."""

    def __init__(
        self,
        installation: Installation,
        base: Base,
        engine: wasmtime.Engine,
        mounts: Sequence[Mount],
        *,
        guarded: bool,
        wait_for_bytecode: Callable[[Path], None] = lambda _: None,
    ) -> None:
        """Link the base, with ``mounts`` as its file system.

        Parameters
        ----------
        guarded
            Put guards.wat in the way: wherever code of an app is executed.
        wait_for_bytecode
            Called with the path of a file of bytecode before the app opens it; it need not be there.

        Raises
        ------
        wasmtime.WasmtimeError
            The compiled modules do not fit this engine or processor.
        """
        self._base = base
        self._engine = engine
        self._mounts = mounts
        self._wait_for_bytecode = wait_for_bytecode
        self._store = wasmtime.Store(engine)
        self._store.set_limits(memory_size=MEMORY_BYTES)
        self.stdout, self.stderr = _Output(), _Output()
        self._store.set_wasi(self._wasi())
        self._linker = wasmtime.Linker(engine)
        self._linker.define_wasi()
        self._linker.allow_shadowing = True
        self._timers = Timers(self._allocate, self._write, self._read)
        self._timers.define(self._linker, HOST)
        for instance, name in base.modules:
            module = self._module(installation.compiled(name))
            self._linker.define_unknown_imports_as_traps(module)
            self._linker.define_instance(
                self._store, instance_name(instance), self._linker.instantiate(self._store, module)
            )
            if guarded and instance == base.memory:
                memory = self._export(instance, "memory")
                modules = {name: self._module(installation.compiled(name)) for name in guards.FILES}
                guards.define(self._linker, self._store, modules, memory, self._write, self._opens_bytecode)
        self._functions = {name: self._export(instance, name) for name, instance in base.functions.items()}
        self._memory: wasmtime.Memory = self._export(base.memory, "memory")
        self._stack_pointer = self._global(base.memory, STACK_POINTER)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """While calls are made: hold the interpreter's lock.

        Raises
        ------
        RefusedError
            A call ended in a way that is no Python exception.
        """
        try:
            lock = self._call("PyGILState_Ensure")
            yield
            self._call("PyGILState_Release", lock)
        except wasmtime.ExitTrap:
            raise RefusedError("ends the process") from None
        except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
            text = error.message if isinstance(error, wasmtime.Trap) else str(error)
            raise RefusedError(f"stops the interpreter ({_reason(text)})") from None

    def run(self, program: str) -> bool:
        """Run a text of Python in ``__main__``; answer whether it ended without an exception."""
        with self._text(program) as address:
            return self._call("PyRun_SimpleString", address) == 0

    def import_module(self, name: str) -> bool:
        """Import as componentize-py's runtime does; print the traceback of what fails."""
        with self._text(name) as address:
            if self._call("PyImport_ImportModule", address):
                return True
            self._call("PyErr_Print")
            return False

    def snapshot(self) -> Snapshot:
        """View the memory as it is now; valid while the machine lives.

        Raises
        ------
        RefusedError
            Something has changed that is not in memory: a component could not be continued from it.
        """
        self._call("__wasilibc_reset_preopens")
        changed = [(i, name) for i, name, value in self._base.globals if self._global(i, name) != value]
        if changed:
            raise RefusedError("changes the interpreter's own state")
        size = self._memory.data_len(self._store)
        pointer = self._stack_pointer & 0xFFFFFFFF
        if not 0 < pointer <= size:
            raise RefusedError("changes the interpreter's own state")
        array = ctypes.c_ubyte * size
        address = ctypes.addressof(self._memory.data_ptr(self._store).contents)
        return Snapshot(memoryview(array.from_address(address)).cast("B"), pointer)

    def _wasi(self) -> wasmtime.WasiConfig:
        wasi = wasmtime.WasiConfig()
        wasi.stdout_custom = self.stdout.take
        wasi.stderr_custom = self.stderr.take
        for mount in self._mounts:
            wasi.preopen_dir(str(mount.folder), mount.name, mount.writable)
        return wasi

    def _module(self, path: Path) -> wasmtime.Module:
        return wasmtime.Module.deserialize_file(self._engine, str(path))

    def _export(self, instance: int, name: str) -> Any:
        return self._linker.get(self._store, instance_name(instance), name)

    def _global(self, instance: int, name: str) -> int:
        value: int = self._export(instance, name).value(self._store)
        return value

    def _call(self, name: str, *arguments: int) -> int:
        function: Callable[..., int] = self._functions[name]
        return function(self._store, *arguments)

    @contextlib.contextmanager
    def _text(self, value: str) -> Iterator[int]:
        encoded = value.encode() + b"\0"
        address = self._allocate(len(encoded))
        self._write(encoded, address)
        yield address
        self._call("free", address)

    def _allocate(self, size: int) -> int:
        return self._call("malloc", size) & 0xFFFFFFFF

    def _write(self, content: bytes, address: int) -> None:
        self._check(address, len(content))
        self._memory.write(self._store, content, address)

    def _read(self, address: int, size: int) -> bytes:
        self._check(address, size)
        return bytes(self._memory.read(self._store, address, address + size))

    def _check(self, address: int, size: int) -> None:
        """Addresses come out of the app's memory: it may have put anything there."""
        if size < 0 or not 0 < address <= self._memory.data_len(self._store) - size:
            raise RefusedError("damages the interpreter")

    def _opens_bytecode(self, folder: int, address: int, size: int) -> None:
        mount = folder - _FIRST_FOLDER
        if 0 <= mount < len(self._mounts):
            self._wait_for_bytecode(self._mounts[mount].folder / self._read(address, size).decode("utf-8", "replace"))


def instance_name(instance: int) -> str:
    """Name a core instance among the linked modules' imports."""
    return f"instance-{instance}"


def _reason(text: str) -> str:
    """Return the last line of wasmtime's account, which says what happened."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
