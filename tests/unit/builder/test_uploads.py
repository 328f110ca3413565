"""Uploads as people make them, from the archive to the files that are pushed, each with the tool that writes it so."""

import unicodedata
from pathlib import Path

import pytest
from builder.push.collect import collect
from builder.settings import Limits
from builder.source.upload import unpack

from functions.tasks.source import check_source
from tests.security.service.archives import Entry, bare
from tests.unit.builder.harness import COMPONENT, manifest, order

NAME = "정적/안내.txt"
NFD = unicodedata.normalize("NFD", NAME)
TOML = manifest(None, files=f'["{NAME}"]').encode()


def _file(name: str | bytes, data: bytes = b"x", flags: int = 0x800) -> Entry:
    return Entry(name if isinstance(name, bytes) else name.encode(), data, flags=flags)


UPLOADS: dict[str, list[Entry]] = {
    "zip -r on Linux": [_file("spin.toml", TOML), _file(NAME)],
    "bsdtar -a -cf app.zip .": [Entry(b"./", b"", mode=0), _file("./spin.toml", TOML), _file(f"./{NAME}")],
    "Compress-Archive of Windows PowerShell 5": [_file("spin.toml", TOML), _file(NAME.replace("/", "\\"))],
    "Explorer of a Korean Windows": [_file("spin.toml", TOML), _file(NAME.encode("cp949"), flags=0)],
    "Finder of macOS": [_file("spin.toml", TOML), _file(NFD), _file("__MACOSX/._spin.toml")],
    "Finder, and a name pasted from ls": [
        _file("spin.toml", unicodedata.normalize("NFD", TOML.decode()).encode()),
        _file(NFD),
    ],
    "zip on a USB stick of macOS": [_file("spin.toml", TOML), _file("._spin.toml"), _file(NAME), _file("._app.wasm")],
    "spin.toml of Notepad": [_file("spin.toml", b"\xef\xbb\xbf" + TOML), _file(NAME)],
    "spin.toml of PowerShell 5 (>)": [_file("spin.toml", TOML.decode().encode("utf-16")), _file(NAME)],
}


@pytest.mark.parametrize("tool", UPLOADS)
def test_the_files_that_spin_toml_names_are_pushed(tmp_path: Path, tool: str) -> None:
    content = bare(*UPLOADS[tool], Entry(b"app.wasm", COMPONENT))
    check_source("app.zip", content)
    (tmp_path / "upload").write_bytes(content)
    (tmp_path / "app").mkdir()
    task = order("build-sources/team-a/task/app.zip")
    app = unpack(tmp_path / "upload", task, tmp_path / "app", Limits())
    push_folder = collect(app.manifest, app.folder, tmp_path / "push", Limits())
    assert push_folder.manifest.read_bytes() == TOML
    assert {str(path.relative_to(push_folder.path)) for path in push_folder.path.rglob("*") if path.is_file()} == {
        *("spin.toml", "app.wasm", NAME)
    }
