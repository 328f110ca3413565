"""What is pushed: a fresh folder, the builder's own, with the uploaded manifest and just the files that it names.

Made when nothing of the uploader's runs any more. The push reads this folder only, so what was checked is what is
pushed, and a link planted during the build leads nowhere.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from builder.errors import BuildError
from builder.settings import Limits
from builder.source import glob
from builder.source.manifest import FILE_NAME, Component, Manifest
from builder.source.safe_paths import is_text, open_inside, walk

_COMPONENT_HEADER: Final = b"\0asm\x0d\x00\x01\x00"
"""Magic, version 13, layer 1; a core module has version 1, layer 0 (component-model, Binary.md)."""
_WASM_MAGIC: Final = _COMPONENT_HEADER[:4]


@dataclass(frozen=True, slots=True)
class PushFolder:
    """A folder ready to push; ``components`` are the paths of its .wasm files in it, ``wasm`` is the first."""

    path: Path
    components: tuple[str, ...]

    @property
    def wasm(self) -> Path:
        """The component that is kept in S3."""
        return self.path / self.components[0]

    @property
    def manifest(self) -> Path:
        """Its spin.toml."""
        return self.path / FILE_NAME


def collect(manifest: Manifest, built: Path, target: Path, limits: Limits) -> PushFolder:
    """Copy what the manifest names from ``built`` to ``target``, a new folder.

    Raises
    ------
    BuildError
        Something is missing, a link, no component, or too large.
    """
    target.mkdir(mode=0o700)
    copier = _Copier(built, target, limits)
    for component in manifest.components:
        _take_component(copier, component, component.source, "source")
        for path in component.dependencies:
            _take_component(copier, component, path, "dependency")
    patterns = {
        pattern: f"spin.toml: component {component.id}: files"
        for component in manifest.components
        for pattern in component.files
    }
    if patterns:
        _take_files(copier, built, patterns)
    # The text as it was uploaded and checked: the file in ``built`` was within the build commands' reach.
    text = target / FILE_NAME
    text.unlink(missing_ok=True)
    text.write_bytes(manifest.text)
    return PushFolder(target, tuple(dict.fromkeys(component.source for component in manifest.components)))


def _take_component(copier: "_Copier", component: Component, path: str, role: str) -> None:
    where = f"spin.toml: component {component.id}: {role}"
    try:
        copier.take(path, where)
    except FileNotFoundError:
        made = "the build did not make it" if component.commands else "it is not in the upload"
        raise BuildError(f"{where}: '{path}' does not exist: {made}. Check the output path of build.command.") from None
    with (copier.target / path).open("rb") as file:
        header = file.read(len(_COMPONENT_HEADER))
    if header == _COMPONENT_HEADER:
        return
    what = "a core WebAssembly module" if header.startswith(_WASM_MAGIC) else "no WebAssembly file"
    raise BuildError(
        f"{where}: '{path}' is {what}, not a component. Build it with componentize-py or another such tool."
    )


def _take_files(copier: "_Copier", built: Path, patterns: dict[str, str]) -> None:
    try:
        found = _take_selected(copier, built, patterns)
    except glob.TooMuchWorkError:
        raise BuildError(
            "spin.toml: files: too many patterns for so many files. Name folders in place of patterns, or leave out "
            "what the app does not need."
        ) from None
    for pattern, where in patterns.items():
        if pattern in found or glob.is_glob(pattern):
            continue
        if not (built / pattern).is_dir():
            raise BuildError(f"{where}: '{pattern}' does not exist.")
        (copier.target / pattern).mkdir(parents=True, exist_ok=True)


def _take_selected(copier: "_Copier", built: Path, patterns: dict[str, str]) -> set[str]:
    """Copy the files that the patterns select; answers the patterns that selected something."""
    chosen = glob.Patterns(patterns)
    found = set()
    for path, entry in walk(built):
        for pattern in chosen.selecting(path):
            found.add(pattern)
            if not glob.is_glob(pattern) or entry.is_file(follow_symlinks=False) or entry.is_symlink():
                copier.take(path, patterns[pattern])
        if _links_to_folder(built / path) and (below := chosen.selecting_below(path)):
            where = f"{patterns[below[0]]}: '{below[0]}'"
            raise BuildError(f"{where} leads through '{path}', a symbolic link. Name the folder itself.")
    return found


def _links_to_folder(path: Path) -> bool:
    return path.is_symlink() and path.is_dir()


class _Copier:
    def __init__(self, built: Path, target: Path, limits: Limits) -> None:
        self.target = target
        self._built = built
        self._left = limits.unpacked_bytes + limits.file_bytes
        self._taken: set[str] = set()

    def take(self, path: str, where: str) -> None:
        if path in self._taken:
            return
        if not is_text(path):
            raise BuildError(
                f"{where}: the build made '{path}', a name that is not UTF-8. Have the build command name the file "
                "otherwise, or leave it out."
            )
        descriptor = open_inside(self._built, path, where)
        with os.fdopen(descriptor, "rb") as source:
            self._left -= os.fstat(descriptor).st_size
            if self._left < 0:
                raise BuildError(f"{where}: the app's components and files are too large together.")
            self._taken.add(path)
            (self.target / path).parent.mkdir(parents=True, exist_ok=True)
            with (self.target / path).open("xb") as file:
                shutil.copyfileobj(source, file, 1024 * 1024)
