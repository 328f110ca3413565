"""Names in archives: each form that tools write is the path that it means, and nothing else becomes a file."""

import io
import struct
import unicodedata
import zlib
from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.contracts import archive
from functions.contracts.archive_names import MAX_DEPTH, UnusableArchiveError
from functions.tasks.source import UnusableSourceError, check_source
from tests.security.service.archives import Entry
from tests.security.service.archives import archive as zipped

NFC = "정적/안내.txt"
NFD = unicodedata.normalize("NFD", NFC)
CP949 = NFC.encode("cp949")


def _unicode_path(name: str, beside: bytes, version: int = 1) -> bytes:
    content = struct.pack("<BL", version, zlib.crc32(beside)) + name.encode()
    return struct.pack("<HH", 0x7075, len(content)) + content


def _paths(*entries: Entry) -> list[tuple[str, bool]]:
    """Path and whether it is a folder, of all entries behind spin.toml."""
    with archive.checked(io.BytesIO(zipped(*entries))) as (_, kept):
        return [(name.path, name.is_folder) for name, _ in kept][1:]


def _refusal(*entries: Entry) -> str:
    with pytest.raises(UnusableArchiveError) as refusal:
        _paths(*entries)
    # The API says the same before anything is stored.
    with pytest.raises(UnusableSourceError) as refused:
        check_source("app.zip", zipped(*entries))
    assert str(refused.value) == f"file 'app.zip': {refusal.value}"
    return str(refusal.value)


def _file(name: str | bytes, *, flags: int = 0x800, extra: bytes = b"") -> Entry:
    return Entry(name if isinstance(name, bytes) else name.encode(), flags=flags, extra=extra)


def _folder(name: str) -> Entry:
    return Entry(name.encode(), b"", mode=0)


FORMS = {
    "bsdtar -a -cf app.zip .": ([_folder("./"), _file("./a.py"), _folder("./b/"), _file("./b/c.py")]),
    "an entry for the root": ([_folder("/"), _file("a.py"), _folder("b/"), _file("b/c.py")]),
    "Compress-Archive of Windows PowerShell 5": ([_file("a.py"), _folder("b\\"), _file("b\\c.py")]),
    "doubled slashes of scripts that join paths": ([_file("a.py"), _folder("b//"), _file("b//c.py")]),
    "Info-ZIP": ([_file("a.py"), _folder("b/"), _file("b/c.py")]),
    "Finder of macOS": (
        [_file("a.py"), _file("__MACOSX/._a.py"), _folder("b/"), _file("b/.DS_Store"), _file("b/c.py")]
    ),
    "zip of macOS on a USB stick": (
        [_file("a.py"), _file("._a.py"), _folder("b/"), _file("b/c.py"), _file("b/._c.py")]
    ),
}


@pytest.mark.parametrize("tool", FORMS)
def test_tools_write_one_path_in_many_ways(tool: str) -> None:
    assert _paths(*FORMS[tool]) == [("a.py", False), ("b", True), ("b/c.py", False)]


@pytest.mark.parametrize(
    "entry",
    [
        _file(NFC),
        _file(NFD),
        _file(NFC, flags=0),
        _file(CP949, flags=0),
        _file(CP949, flags=0, extra=_unicode_path(NFC, CP949)),
        _file(CP949, flags=0, extra=struct.pack("<HH4s", 0x5455, 4, bytes(4)) + _unicode_path(NFD, CP949)),
        _file(b"????/??.txt", flags=0, extra=_unicode_path(NFC, b"????/??.txt")),
    ],
    ids=["7-Zip", "macOS", "zip of macOS", "Explorer in Korean", "Bandizip", "with times", "name lost"],
)
def test_a_korean_name(entry: Entry) -> None:
    assert _paths(entry) == [(NFC, False)]


def test_a_unicode_path_counts_only_for_the_name_that_it_stands_beside() -> None:
    assert _paths(_file(b"new.txt", flags=0, extra=_unicode_path("old.txt", b"old.txt"))) == [("new.txt", False)]
    assert _paths(_file(b"new.txt", flags=0, extra=_unicode_path("x", b"new.txt", version=2))) == [("new.txt", False)]
    cut = _unicode_path(NFC, b"a.txt")[:-3]
    assert _paths(_file(b"a.txt", flags=0, extra=struct.pack("<HH", 1, 0) + _unicode_path("b", b"a.txt")))
    with pytest.raises(UnusableArchiveError, match="damaged"):
        _paths(_file(b"a.txt", flags=0, extra=cut))


@pytest.mark.parametrize(
    "name",
    ["../x", "..\\x", "a/../../x", "a\\..\\..\\x", "/x", "\\x", "\\\\server\\x", "C:\\x", "c:x", "./C:/x", "//x", "/."],
)
@pytest.mark.parametrize("hidden", [False, True])
def test_a_dangerous_name_is_refused_in_every_form(name: str, *, hidden: bool) -> None:
    entry = _file(b"a", flags=0, extra=_unicode_path(name, b"a")) if hidden else _file(name)
    assert f"'{name}'" in _refusal(entry)


def test_a_refusal_shows_the_name_as_its_owner_knows_it() -> None:
    assert "'정적\\x07.txt'" in _refusal(_file("정적\a.txt"))
    told = _refusal(_file(CP949))  # with the flag that says UTF-8
    assert f"not UTF-8: '{NFC}'" in told
    assert "Compress-Archive" in told
    assert "'a\\xff\\xff.txt'" in _refusal(_file(b"a\xff\xff.txt", flags=0))
    assert "'\\u202etxt.py'" in _refusal(_file("\u202etxt.py"), _file("\u202etxt.py"))


@pytest.mark.parametrize("twin", [NFD, f"./{NFC}", NFC.replace("/", "\\"), NFC.upper().replace("TXT", "TxT")])
def test_two_forms_of_one_name(twin: str) -> None:
    assert "two names for one file" in _refusal(_file(NFC), _file(twin))


@pytest.mark.parametrize(("depth", "fits"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False)])
def test_the_depth_of_a_path(depth: int, *, fits: bool) -> None:
    entry = _file("/".join("a" * depth))
    if fits:
        assert _paths(entry) == [("/".join("a" * depth), False)]
    else:
        assert f"more than {MAX_DEPTH} parts" in _refusal(entry)


@pytest.mark.parametrize(("syllables", "fits"), [(85, True), (86, False)])
def test_length_is_that_of_the_composed_name(syllables: int, *, fits: bool) -> None:
    decomposed = unicodedata.normalize("NFD", "각" * syllables)  # 9 bytes each, and 3 composed
    if fits:
        assert _paths(_file(decomposed)) == [("각" * syllables, False)]
    else:
        assert "too long" in _refusal(_file(decomposed))


def test_the_work_grows_with_the_names_and_no_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted: characters that Unicode normalization, the dearest step, is given."""
    given_characters = 0
    normalize = unicodedata.normalize

    def counting(form: str, text: str) -> str:
        nonlocal given_characters
        given_characters += len(text)
        return normalize(form, text)  # type: ignore[arg-type]

    monkeypatch.setattr(unicodedata, "normalize", counting)
    deep = ["/".join(["\u0344"] * (MAX_DEPTH - 1) + [str(number)]) for number in range(200)]
    _paths(*map(_file, deep))
    assert given_characters < 3 * sum(map(len, deep))
    # Deeper ones, and longer ones, are not normalized at all.
    for hostile in ("/".join(["\u0344"] * 338), "\u0301\u0323" * 5000):
        given_characters = 0
        _refusal(*[_file(f"{number}{hostile}") for number in range(20)])
        assert given_characters < 100  # spin.toml, twice


_PARTS = st.one_of(
    st.sampled_from(["", ".", "..", "a", "A", "b.py", "가", "\u1100\u1161", "._a", "C:", "__MACOSX"]),
    st.text(min_size=1, max_size=5),
)
_NAMES = st.builds(
    lambda parts, separator, end: separator.join(parts) + end,
    st.lists(_PARTS, min_size=1, max_size=5),
    st.sampled_from(["/", "\\"]),
    st.sampled_from(["", "/"]),
).filter(lambda name: name.isprintable() or "\0" in name)


def _accepted(*names: str) -> list[tuple[str, bool]] | None:
    entries = [Entry(name.encode(), b"", mode=0) for name in names]
    try:
        return _paths(*entries)
    except UnusableArchiveError:
        return None


@settings(max_examples=300, deadline=None)
@given(names=st.lists(_NAMES, min_size=1, max_size=4))
def test_what_is_accepted_are_different_relative_paths_in_nfc(names: list[str]) -> None:
    paths = _accepted(*names)
    if paths is None:
        return
    files = [path for path, is_folder in paths if not is_folder]
    assert len({path.casefold() for path in files}) == len(files)
    for path, _ in paths:
        assert unicodedata.is_normalized("NFC", path)
        assert not PurePosixPath(path).is_absolute()
        assert path == str(PurePosixPath(path))
        assert ".." not in path.split("/")
        assert "\\" not in path
        assert not any(other.startswith(f"{path}/") for other, _ in paths if path in files)


@settings(max_examples=200, deadline=None)
@given(name=_NAMES)
def test_forms_that_mean_the_same_are_the_same(name: str) -> None:
    plain = _accepted(name)
    if plain is None:
        return
    for form in (f"./{name}", name.replace("/", "\\"), name.replace("\\", "/"), unicodedata.normalize("NFD", name)):
        if not form.startswith(("./\\", ".//")):
            assert _accepted(form) == plain
    if plain:
        assert _accepted(plain[0][0] + "/" * plain[0][1]) == plain
