"""The image tag: the same for the same files and tools, another for any other."""

from pathlib import Path

from builder.source.identity import image_tag

VERSIONS = {"spin": "3.6.3", "mypy": "2.4.1"}


def _tag(folder: Path, files: dict[str, bytes], workspace: str = "team-a", versions: dict[str, str] = VERSIONS) -> str:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return image_tag(workspace, folder, versions)


def test_the_same_files_have_the_same_tag(tmp_path: Path) -> None:
    files = {"a.py": b"1", "b/c.py": b"2"}
    first = _tag(tmp_path / "1", files)
    assert first == _tag(tmp_path / "2", dict(reversed(files.items())))
    assert len(first) == 16
    assert set(first) <= set("0123456789abcdef")


def test_any_difference_is_another_tag(tmp_path: Path) -> None:
    tags = [
        _tag(tmp_path / "1", {"a": b"1", "b": b"2"}),
        _tag(tmp_path / "2", {"a": b"2", "b": b"1"}),
        _tag(tmp_path / "3", {"a": b"12", "b": b""}),
        _tag(tmp_path / "4", {"a": b"1", "c": b"2"}),
        _tag(tmp_path / "5", {"a": b"1", "b": b"2"}, workspace="team-b"),
        _tag(tmp_path / "6", {"a": b"1", "b": b"2"}, versions={**VERSIONS, "spin": "3.6.4"}),
    ]
    (tmp_path / "1" / "a").chmod(0o755)
    tags.append(image_tag("team-a", tmp_path / "1", VERSIONS))
    assert len(set(tags)) == len(tags)
