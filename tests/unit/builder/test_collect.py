"""What is taken from a built folder, and that a link never is."""

import os
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from builder.errors import BuildError
from builder.push.collect import PushFolder, collect
from builder.settings import Limits
from builder.source import glob
from builder.source.manifest import Manifest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.builder.harness import COMPONENT, manifest


def _collect(tmp_path: Path, limits: Limits | None = None, **component: str) -> PushFolder:
    built = tmp_path / "built"
    built.mkdir(exist_ok=True)
    (built / "spin.toml").write_text(manifest("true", **component))
    read = Manifest.read(built, 20)
    (built / "spin.toml").write_text("changed by the build")
    if not os.path.lexists(built / "app.wasm"):
        (built / "app.wasm").write_bytes(COMPONENT)
    return collect(read, built, tmp_path / "push", limits or Limits())


def _make(tmp_path: Path, *paths: str) -> None:
    for path in paths:
        (tmp_path / "built" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "built" / path).write_text(path)


def _taken(push_folder: PushFolder) -> set[str]:
    return {str(path.relative_to(push_folder.path)) for path in push_folder.path.rglob("*") if path.is_file()}


def test_the_manifest_as_it_was_checked(tmp_path: Path) -> None:
    push_folder = _collect(tmp_path)
    assert push_folder.manifest.read_text() == manifest("true")
    assert push_folder.wasm.read_bytes() == COMPONENT


def test_files_folders_and_globs(tmp_path: Path) -> None:
    _make(tmp_path, "a/1", "a/b/2", "c/3.txt", "c/4.bin", "c/d/5.txt", ".hidden/6")
    push_folder = _collect(tmp_path, files='["a", "c/*.txt", { source = ".hidden", destination = "/x" }]')
    assert _taken(push_folder) == {"spin.toml", "app.wasm", "a/1", "a/b/2", "c/3.txt", ".hidden/6"}


def test_an_empty_folder_is_shipped_as_one(tmp_path: Path) -> None:
    (tmp_path / "built" / "empty").mkdir(parents=True)
    assert (_collect(tmp_path, files='["empty"]').path / "empty").is_dir()


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"^spin\.toml: component app: files: 'no' does not exist\.$"):
        _collect(tmp_path, files='["no"]')


@pytest.mark.parametrize("target", ["/etc/passwd", "real.wasm", "nowhere"])
def test_a_source_that_is_a_link(tmp_path: Path, target: str) -> None:
    _make(tmp_path, "real.wasm")
    (tmp_path / "built" / "app.wasm").symlink_to(target)
    with pytest.raises(BuildError, match="symbolic link"):
        _collect(tmp_path)


def test_a_source_behind_a_linked_folder(tmp_path: Path) -> None:
    _make(tmp_path, "real/x.wasm")
    (tmp_path / "built" / "link").symlink_to("real")
    with pytest.raises(BuildError, match="symbolic link"):
        _collect(tmp_path, source='"link/x.wasm"')


@pytest.mark.parametrize("pattern", ["link", "*", "**/*", "a/link", "a"])
def test_files_that_are_links(tmp_path: Path, pattern: str) -> None:
    _make(tmp_path, "a/1")
    (tmp_path / "built" / "link").symlink_to("/etc/passwd")
    (tmp_path / "built" / "a" / "link").symlink_to("/etc")
    with pytest.raises(BuildError, match="symbolic link"):
        _collect(tmp_path, files=f'["{pattern}"]')


@pytest.mark.parametrize("pattern", ["link/*", "link/**/*", "*/1", "**/1"])
def test_patterns_that_lead_through_a_linked_folder(tmp_path: Path, pattern: str) -> None:
    _make(tmp_path, "a/1")
    (tmp_path / "built" / "link").symlink_to("a")
    with pytest.raises(BuildError, match="leads through 'link', a symbolic link"):
        _collect(tmp_path, files=f'["{pattern}"]')


def test_links_that_nothing_names_are_left_alone(tmp_path: Path) -> None:
    _make(tmp_path, "a/1")
    (tmp_path / "built" / "venv").symlink_to("/usr")
    assert _taken(_collect(tmp_path, files='["a"]')) == {"spin.toml", "app.wasm", "a/1"}


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "built").mkdir()
    os.mkfifo(tmp_path / "built" / "app.wasm")
    with pytest.raises(BuildError, match="not a regular file"):
        _collect(tmp_path)


@pytest.mark.parametrize(("size", "fits"), [(92, True), (93, False)])
def test_the_size_of_all_of_it(tmp_path: Path, size: int, *, fits: bool) -> None:
    _make(tmp_path, "a")
    (tmp_path / "built" / "a").write_bytes(b"x" * size)
    limits = Limits(unpacked_bytes=50, file_bytes=50)
    if fits:
        assert "a" in _taken(_collect(tmp_path, limits, files='["a"]'))
    else:
        with pytest.raises(BuildError, match="too large together"):
            _collect(tmp_path, limits, files='["a"]')


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("a/b", "a", True),
        ("ab", "a", False),
        ("a/b", "*", False),
        ("a/b", "a/*", True),
        ("a/b/c", "a/*", False),
        ("a/b/c", "a/**", True),
        ("a", "**/a", True),
        ("x/y/a", "**/a", True),
        ("x/y/a", "x/**/a", True),
        (".a", "*", True),
        ("a1", "a[0-9]", True),
        ("ax", "a[!0-9]", True),
        ("a/b", ".", True),
    ],
)
def test_patterns(path: str, pattern: str, *, expected: bool) -> None:
    assert (glob.Patterns([pattern]).selecting(path) == [pattern]) is expected


def _defined(path: list[str], pattern: list[str]) -> bool:
    """What a pattern selects, as it is defined: slow, and without a bound."""
    if not pattern:
        return not path
    if pattern[0] == "**":
        return _defined(path, pattern[1:]) or (bool(path) and _defined(path[1:], pattern))
    return bool(path) and fnmatchcase(path[0], pattern[0]) and _defined(path[1:], pattern[1:])


@settings(max_examples=200, deadline=None)
@given(
    path=st.lists(st.text(st.sampled_from("ab."), min_size=1, max_size=3), min_size=1, max_size=5),
    pattern=st.lists(
        st.one_of(st.just("**"), st.text(st.sampled_from("ab.*?[]!-"), min_size=1, max_size=4)), min_size=1, max_size=5
    ).filter(lambda parts: glob.is_glob("/".join(parts))),
)
def test_a_pattern_selects_what_its_definition_says(path: list[str], pattern: list[str]) -> None:
    selects = bool(glob.Patterns(["/".join(pattern)]).selecting("/".join(path)))
    assert selects is _defined(path, pattern)


@pytest.mark.parametrize("pattern", ["/".join(["**/*a*"] * 16), "*".join("a" * 500)])
def test_the_work_of_matching_is_bounded(pattern: str) -> None:
    path = "/".join(["a" * 250] * 4 + ["a"] * 20)
    patterns = glob.Patterns([pattern], most_work=10_000_000)
    assert patterns.selecting("short") == []
    with pytest.raises(glob.TooMuchWorkError):  # noqa: PT012 - somewhere on the way
        for _ in range(10_000):
            patterns.selecting(path)


def test_too_many_patterns_for_so_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glob.Patterns.__init__, "__defaults__", (1000,))
    _make(tmp_path, *map(str, range(10)))
    with pytest.raises(BuildError, match="too many patterns for so many files"):
        _collect(tmp_path, files='["*"]')


@pytest.mark.parametrize(("number", "fits"), [(200, True), (201, False)])
def test_the_number_of_files_entries(tmp_path: Path, number: int, *, fits: bool) -> None:
    _make(tmp_path, "a")
    files = str(["a"] * number)
    if fits:
        _collect(tmp_path, files=files)
    else:
        with pytest.raises(BuildError, match="more than 200 files"):
            _collect(tmp_path, files=files)


@pytest.mark.parametrize("pattern", ["d*", "sub", "**/*"])
@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_name_that_is_not_utf8(tmp_path: Path, pattern: str, kind: str) -> None:
    _make(tmp_path, "sub/1", "d/1")
    for folder in (b"sub/", b""):
        path = os.fsencode(tmp_path / "built") + b"/" + folder + b"d\xff"
        if kind == "link":
            Path(os.fsdecode(path)).symlink_to("/etc/passwd")
        else:
            Path(os.fsdecode(path)).write_text("")
    with pytest.raises(BuildError, match="a name that is not UTF-8"):
        _collect(tmp_path, files=f'["{pattern}"]')
