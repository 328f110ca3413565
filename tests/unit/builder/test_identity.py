"""The digest of what an image is made of, and with it the tag: the same for the same things, another for any other."""

from pathlib import Path

from builder.source.identity import content_digest

COMPONENTS = {"app.wasm": "0a"}
VERSIONS = {"spin": "3.6.3", "mypy": "2.4.1"}


def _digest(
    folder: Path, files: dict[str, bytes], versions: dict[str, str] = VERSIONS, components: dict[str, str] = COMPONENTS
) -> bytes:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return content_digest(folder, versions, [], components)


def test_the_same_files_have_the_same_digest(tmp_path: Path) -> None:
    files = {"a.py": b"1", "b/c.py": b"2"}
    assert _digest(tmp_path / "1", files) == _digest(tmp_path / "2", dict(reversed(files.items())))


def test_any_difference_is_another_digest(tmp_path: Path) -> None:
    digests = [
        _digest(tmp_path / "1", {"a": b"1", "b": b"2"}),
        _digest(tmp_path / "2", {"a": b"2", "b": b"1"}),
        _digest(tmp_path / "3", {"a": b"12", "b": b""}),
        _digest(tmp_path / "4", {"a": b"1", "c": b"2"}),
        _digest(tmp_path / "5", {"a": b"1", "b": b"2"}, versions={**VERSIONS, "spin": "3.6.4"}),
        _digest(tmp_path / "6", {"a": b"1", "b": b"2"}, components={"app.wasm": "0b"}),
        _digest(tmp_path / "7", {"a": b"1", "b": b"2"}, components={"b.wasm": "0a"}),
    ]
    (tmp_path / "1" / "a").chmod(0o755)
    digests.append(content_digest(tmp_path / "1", VERSIONS, [], COMPONENTS))
    digests.append(content_digest(tmp_path / "1", VERSIONS, ["attrs"], COMPONENTS))
    assert len(set(digests)) == len(digests)
