"""Compiled components, kept between processes: wasm in, native code out, compiled once per machine.

A cache file is native code that the process will run, so it is used only from a folder and a file that belong to this
user and that nobody else may write to. Its name says what it was made from (the wasm's SHA-256) and with (wasmtime's
version and `engine.CONFIGURATION_KEY`). Modules that components share (`shared_modules`) have files of their own: a
second Python component compiles in the time that it takes to write its memory. A file that is there is complete,
because it is moved into place whole. One process compiles at a time: the others wait for the lock, and find the file.
"""

import fcntl
import hashlib
import json
import os
import platform
import re
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from wasmtime import Engine, Module, WasmtimeError
from wasmtime.component import Component

from local.spin_host.engine import CONFIGURATION_KEY
from local.spin_host.shared_modules import Parts, take_apart
from local.spin_host.wasmtime_fixes import WASMTIME_VERSION

_T = TypeVar("_T")

_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")
_OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_LOCK_NAME: Final = "compile.lock"


class CacheError(Exception):
    """A cache folder or file cannot be trusted, or the wasm is not what it should be."""


def digest_of(wasm: bytes) -> str:
    """``sha256:<hex>`` of a component."""
    return f"sha256:{hashlib.sha256(wasm).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled component, and the modules that it imports by name."""

    component: Component
    modules: dict[str, Module]


class CompileCache:
    """The compiled components in one folder."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder``, created with mode 0700 if it is not there.

        Raises
        ------
        CacheError
            The folder belongs to someone else or others may write to it.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        _check_private(folder, os.lstat(folder), stat.S_ISDIR, "folder")

    def load(self, engine: Engine, digest: str, wasm: Path) -> Compiled:
        """Load a component by digest, compiled now if no process has done so yet; ``wasm`` is read only then.

        Raises
        ------
        CacheError
            The file at ``wasm`` has another digest, is no component, or a cache file cannot be trusted.
        OSError
            ``wasm`` cannot be read.
        """
        compiled = self._compiled(engine, digest)
        if compiled is None:
            self.compile(engine, digest, wasm)
            compiled = self._compiled(engine, digest)
        if compiled is None:
            raise CacheError(f"compiled component {digest} vanished from the cache; start again")
        return compiled

    def compile(self, engine: Engine, digest: str, wasm: Path) -> bool:
        """Make sure that the component of this digest is compiled; tells whether there was anything to do."""
        path = self._path(digest)
        if path.exists():
            return False
        with self._lock():
            if path.exists():
                return False
            content = wasm.read_bytes()
            if digest_of(content) != digest:
                raise CacheError(f"{wasm.name} does not have the digest {digest}: the image is damaged, pull it again")
            try:
                self._compile(engine, path, content)
            except WasmtimeError as error:
                raise CacheError(f"{digest} is not a WebAssembly component: {str(error).splitlines()[0]}") from None
        return True

    def compile_shared(self, engine: Engine, content: bytes) -> None:
        """Compile the modules that a component shares with others, and not the component.

        Raises
        ------
        WasmtimeError
            One of them is no module.
        """
        with self._lock():
            self._compile_modules(engine, take_apart(content))

    def _compile_modules(self, engine: Engine, parts: Parts) -> dict[str, str]:
        """Compile those that are not there; answers the digest of each by its name."""
        digests = {}
        for name, module in parts.modules.items():
            digests[name] = digest_of(module)
            target = self._path(digests[name])
            if self._cached(target, lambda file: Module.deserialize_file(engine, file)) is None:
                self._store(target, Module(engine, module).serialize())
        return digests

    def _compile(self, engine: Engine, path: Path, content: bytes) -> None:
        parts = take_apart(content)
        modules = self._compile_modules(engine, parts)
        self._store(self._list_of(path), json.dumps(modules).encode())
        self._store(path, Component(engine, parts.shell).serialize())  # last: with it the component is complete

    def _compiled(self, engine: Engine, digest: str) -> Compiled | None:
        path = self._path(digest)
        component = self._cached(path, lambda file: Component.deserialize_file(engine, file))
        names = self._cached(self._list_of(path), lambda file: Path(file).read_bytes())
        if component is None or names is None:
            path.unlink(missing_ok=True)
            return None
        modules = {}
        for name, module_digest in json.loads(names).items():
            module = self._cached(self._path(module_digest), lambda file: Module.deserialize_file(engine, file))
            if module is None:
                path.unlink(missing_ok=True)
                return None
            modules[name] = module
        return Compiled(component, modules)

    @staticmethod
    def _list_of(path: Path) -> Path:
        """Which modules a compiled component imports, by name and digest."""
        return path.with_suffix(".modules.json")

    def _path(self, digest: str) -> Path:
        match = _DIGEST.fullmatch(digest)
        if match is None:
            raise CacheError(f"{digest!r} is not a digest of the form sha256:<64 hex digits>")
        tag = f"wasmtime{WASMTIME_VERSION}-{platform.machine()}-{CONFIGURATION_KEY}"
        return self._folder / f"{match[1]}-{tag}.cwasm"

    def _cached(self, path: Path, read: Callable[[str], _T]) -> _T | None:
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            return None
        _check_private(path, status, stat.S_ISREG, "file")
        try:
            return read(str(path))
        except WasmtimeError:
            # Made by a build of wasmtime that calls itself the same but is not: make it anew.
            path.unlink(missing_ok=True)
            return None

    def _store(self, path: Path, compiled: bytes | bytearray) -> None:
        descriptor, temporary = tempfile.mkstemp(dir=self._folder, prefix="compiling-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(compiled)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    @contextmanager
    def _lock(self) -> Iterator[None]:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._folder / _LOCK_NAME, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _check_private(path: Path, status: os.stat_result, kind: Callable[[int], bool], word: str) -> None:
    if not kind(status.st_mode):
        raise CacheError(f"cache {word} {path} is not a plain {word}: remove it")
    if status.st_uid != os.geteuid():
        raise CacheError(f"cache {word} {path} belongs to another user, and its code would run as you: remove it")
    if status.st_mode & _OTHERS_MAY_WRITE:
        raise CacheError(f"cache {word} {path} can be written by others, and its code would run as you: remove it")
