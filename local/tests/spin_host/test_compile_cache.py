"""The cache of compiled components: what it trusts, and that each component is compiled once."""

import subprocess
import sys
from pathlib import Path

import pytest
from wasmtime import wat2wasm
from wasmtime.component import Component

from local.spin_host.compile_cache import CacheError, CompileCache, digest_of
from local.spin_host.engine import new_engine
from local.tests.spin_host.pods import ROOT

EMPTY = b"\0asm\x0d\0\1\0"
_COMPILE = """
import sys
from pathlib import Path
from local.spin_host.compile_cache import CompileCache, digest_of
from local.spin_host.engine import new_engine
wasm = Path(sys.argv[1])
print(CompileCache(Path(sys.argv[2])).compile(new_engine(), digest_of(wasm.read_bytes()), wasm))
"""


@pytest.fixture
def wasm(tmp_path: Path) -> Path:
    """The smallest component."""
    path = tmp_path / "empty.wasm"
    path.write_bytes(EMPTY)
    return path


def compiled(folder: Path) -> list[Path]:
    """The cache's files of code."""
    return list(folder.glob("*.cwasm"))


def test_a_component_is_compiled_once(wasm: Path, tmp_path: Path) -> None:
    engine, folder = new_engine(), tmp_path / "cache"
    cache, digest = CompileCache(folder), digest_of(EMPTY)
    assert cache.compile(engine, digest, wasm) is True
    assert cache.compile(engine, digest, wasm) is False
    wasm.unlink()
    assert isinstance(cache.load(engine, digest, wasm).component, Component)
    assert [path.name[:64] for path in compiled(folder)] == [digest.removeprefix("sha256:")]
    assert list(folder.glob("compiling-*")) == []


def test_a_file_that_wasmtime_does_not_know_is_made_anew(wasm: Path, tmp_path: Path) -> None:
    engine, folder = new_engine(), tmp_path / "cache"
    cache, digest = CompileCache(folder), digest_of(EMPTY)
    cache.compile(engine, digest, wasm)
    compiled(folder)[0].write_bytes(b"something else")
    assert isinstance(cache.load(engine, digest, wasm).component, Component)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_not_run(wasm: Path, tmp_path: Path, mode: int) -> None:
    engine, folder = new_engine(), tmp_path / "cache"
    cache, digest = CompileCache(folder), digest_of(EMPTY)
    cache.compile(engine, digest, wasm)
    compiled(folder)[0].chmod(mode)
    with pytest.raises(CacheError, match="written by others"):
        cache.load(engine, digest, wasm)


def test_a_link_is_not_followed(wasm: Path, tmp_path: Path) -> None:
    engine, folder = new_engine(), tmp_path / "cache"
    cache, digest = CompileCache(folder), digest_of(EMPTY)
    cache.compile(engine, digest, wasm)
    file = compiled(folder)[0]
    file.symlink_to(file.rename(tmp_path / "elsewhere"))
    with pytest.raises(CacheError, match="not a plain file"):
        cache.load(engine, digest, wasm)


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(CacheError, match="written by others"):
        CompileCache(folder)


def test_a_component_without_its_list_of_modules_is_compiled_again(wasm: Path, tmp_path: Path) -> None:
    cache, digest = CompileCache(tmp_path / "cache"), digest_of(EMPTY)
    cache.load(new_engine(), digest, wasm)
    for path in (tmp_path / "cache").glob("*.modules.json"):
        path.unlink()
    assert cache.load(new_engine(), digest, wasm).modules == {}


def test_another_digest_than_promised(wasm: Path, tmp_path: Path) -> None:
    cache = CompileCache(tmp_path / "cache")
    with pytest.raises(CacheError, match="does not have the digest"):
        cache.load(new_engine(), f"sha256:{'0' * 64}", wasm)
    with pytest.raises(CacheError, match="not a digest"):
        cache.load(new_engine(), "sha256:../../x", wasm)


def test_several_processes_compile_once_between_them(wasm: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _COMPILE, str(wasm), str(tmp_path / "cache")]
    running = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = sorted(process.communicate(timeout=30)[0] for process in running)
    assert answers == ["False\n", "False\n", "True\n"]


def test_what_components_share_is_compiled_before_any_of_them(tmp_path: Path) -> None:
    large = "".join(f'(func (export "f{number}") (result i32) (i32.const {number}))' for number in range(4000))
    whole = bytes(wat2wasm(f"(component (core module $m {large}) (core instance (instantiate $m)))"))
    cache = tmp_path / "cache"
    command = [sys.executable, "-m", "local.spin_host.precompile", "--cache-dir", str(cache)]
    broken = tmp_path / "base.wasm"
    broken.write_bytes(whole + b"\x63\0")  # a section that is none: only modules are looked at
    subprocess.run([*command, str(broken)], cwd=ROOT, check=True)
    (module,) = cache.glob("*.cwasm")
    before = module.stat().st_mtime_ns
    (tmp_path / "app.wasm").write_bytes(whole)
    assert len(CompileCache(cache).load(new_engine(), digest_of(whole), tmp_path / "app.wasm").modules) == 1
    assert module.stat().st_mtime_ns == before
