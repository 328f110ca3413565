"""Bytecode of an app's packages, made on other processors while the app is imported.

Half of the time of an import of packages goes into compiling their sources. Copies of the base do that, each for a
share of what the app is going to load (`foreseen`), in the order in which it will. The app finds the bytecode where
CPython looks for it, waits for what is not ready, and compiles what was not foreseen. Nothing of the app or of its
packages is executed in the copies, and what they make is gone with this process.

Sources are shared out in the same way each time, and whether the app finds a module's bytecode never depends on who is
quicker: the same source still gives the same component. What has something to say while it is compiled (an error, a
warning) is left to the app.
"""

import contextlib
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import wasmtime

from fast_lane.errors import RefusedError
from fast_lane.foreseen import Foreseen, Module
from fast_lane.machine import Machine, Mount
from fast_lane.surroundings import SDK

_SHARES: Final = 2
"""Not by the number of processors: another one would give other bytes."""
_WORTH_BYTES: Final = 250_000
"""Of source. For less, copies of the base take longer to start than the app to compile it."""
_CACHE: Final = "__pycache__"
_SUFFIX: Final = ".cpython-312.pyc"
_TARGET: Final = "bytecode"
_BEGIN: Final = """
import gc, warnings
from importlib._bootstrap_external import _code_to_hash_pyc
gc.disable()
warnings.simplefilter("error")
def make(source, target):
    with open(source, "rb") as file:
        content = file.read()
    try:
        code = compile(content, source, "exec", dont_inherit=True, optimize=-1)
    except Exception:
        return
    with open(target, "wb") as file:
        file.write(_code_to_hash_pyc(code, bytes(8), False))
"""
"""Compiles as importlib does (`SourceLoader.source_to_code`), for a file whose hash is not looked at (PEP 552)."""

Start = Callable[[Sequence[Mount]], Machine]
"""Starts a copy of the base that sees these folders beside its library."""


class Bytecode:
    """The bytecode of some modules of one folder, while it is made.

    Parameters
    ----------
    packages
        The folder, which the app sees as ``/inside``.
    target
        An empty folder.
    """

    def __init__(self, modules: Sequence[Module], packages: Path, inside: str, target: Path, start: Start) -> None:
        self._packages, self._inside, self._target, self._start = packages, inside, target, start
        parents = list(dict.fromkeys(module.path.parent for module in modules))
        caches = {parent: target / str(number) for number, parent in enumerate(parents)}
        self._files = {module: caches[module.path.parent] / f"{module.path.stem}{_SUFFIX}" for module in modules}
        self._ready = {path: threading.Event() for path in self._files.values()}
        self._ended = threading.Event()
        self.mounts = [
            Mount(cache, str(Path(inside, parent.relative_to(packages), _CACHE))) for parent, cache in caches.items()
        ]
        """Where the app finds it."""
        for cache in caches.values():
            cache.mkdir()

    def wait_for(self, path: Path) -> None:
        """Return when a file is complete, or when it is known that it will not be there."""
        if (ready := self._ready.get(path)) is not None:
            ready.wait()

    @contextlib.contextmanager
    def being_made(self) -> Iterator[None]:
        """Make it, until the end of the block."""
        threads = [threading.Thread(target=self._make, args=(share,)) for share in _shares(list(self._files))]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()

    def _make(self, share: Sequence[Module]) -> None:
        try:
            folders = [Mount(self._packages, self._inside), Mount(self._target, _TARGET, writable=True)]
            machine = self._start(folders)
            with machine.running():
                machine.run(_BEGIN)
                for module in share:
                    if self._ended.is_set():
                        return
                    source = f"/{self._inside}/{module.path.relative_to(self._packages)}"
                    target = f"/{_TARGET}/{self._files[module].relative_to(self._target)}"
                    machine.run(f"make({source!r}, {target!r})")
                    self._ready[self._files[module]].set()
        except (RefusedError, wasmtime.WasmtimeError):
            pass  # the app compiles the rest, and says what is wrong with it
        finally:
            for module in share:
                self._ready[self._files[module]].set()


@contextlib.contextmanager
def made(app_module: str, folders: Sequence[Path], start: Start) -> Iterator[Bytecode]:
    """Make the bytecode of what an app loads of its packages, until the end of the block.

    Parameters
    ----------
    folders
        What the app sees as ``/0``, ``/1``, ...: the last one has its packages.
    """
    packages = folders[-1]
    modules = [module for module in Foreseen(folders).follow(app_module) if _is_to_compile(module, packages)]
    if sum(len(module.source) for module in modules) < _WORTH_BYTES:
        modules = []
    with tempfile.TemporaryDirectory() as target:
        bytecode = Bytecode(modules, packages, str(len(folders) - 1), Path(target), start)
        with bytecode.being_made() if modules else contextlib.nullcontext():
            yield bytecode


def _is_to_compile(module: Module, packages: Path) -> bool:
    """Whether it is one of the packages', and has no bytecode: the SDK has its own, and a wheel may bring some."""
    is_of_packages = module.path.is_relative_to(packages) and module.name.partition(".")[0] != SDK
    return is_of_packages and not (module.path.parent / _CACHE).exists()


def _shares(modules: Sequence[Module]) -> list[list[Module]]:
    """Share modules out, in their order, so that there is always about as much in each share."""
    shares: list[list[Module]] = [[] for _ in range(_SHARES)]
    sizes = [0] * _SHARES
    for module in modules:
        least = sizes.index(min(sizes))
        shares[least].append(module)
        sizes[least] += len(module.source)
    return shares
