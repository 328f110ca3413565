"""Text in every form that tools write, in each file that is read; and TOML that is made to be slow."""

import tomllib
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from builder.errors import BuildError
from builder.packages import requirements
from builder.settings import Limits
from builder.source.text import composed, decode, decode_python
from builder.source.toml_text import MOST_CHARACTERS, MOST_KEY_PARTS, MOST_NESTED, MOST_WORD, read_toml
from builder.source.upload import App, unpack
from hypothesis import given, settings
from hypothesis import strategies as st

from local.spin_cli.manifest import load_manifest
from tests.unit.builder.harness import manifest, order, zipped

FORMS: dict[str, Callable[[str], bytes]] = {
    "any editor": lambda text: text.encode(),
    "Notepad, UTF-8 with BOM": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "Notepad, CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "PowerShell 5, >": lambda text: b"\xff\xfe" + text.replace("\n", "\r\n").encode("utf-16-le"),
    "Notepad, UTF-16 BE": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "UTF-32": lambda text: b"\xff\xfe\0\0" + text.encode("utf-32-le"),
}
TOML = manifest(None, files='["정적"]', description='"한글"')


def _app(tmp_path: Path, file_name: str, content: bytes) -> App:
    (tmp_path / "upload").write_bytes(content)
    (tmp_path / "app").mkdir()
    task = order(f"build-sources/team-a/task/{file_name}")
    return unpack(tmp_path / "upload", task, tmp_path / "app", Limits())


@pytest.mark.parametrize("form", FORMS)
def test_spin_toml(tmp_path: Path, form: str) -> None:
    app = _app(tmp_path, "app.zip", zipped({"spin.toml": FORMS[form](TOML), "app.wasm": "x"}))
    (component,) = app.manifest.components
    assert component.files == ("정적",)
    # What Spin reads is what was read here, in the one form that it takes.
    assert app.manifest.text == (app.folder / "spin.toml").read_bytes()
    assert load_manifest(str(app.folder / "spin.toml")).components["app"].files == ["정적"]


def test_spin_toml_names_files_as_they_are_written(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", TOML)
    assert decomposed != TOML
    app = _app(tmp_path, "app.zip", zipped({"spin.toml": decomposed, "app.wasm": "x"}))
    assert app.manifest.text.decode() == TOML


def test_spin_skips_a_byte_order_mark_and_reads_no_utf16(tmp_path: Path) -> None:
    for form in ("any editor", "Notepad, UTF-8 with BOM"):
        (tmp_path / "spin.toml").write_bytes(FORMS[form](TOML))
        assert load_manifest(str(tmp_path / "spin.toml")).application.name == "app"


@pytest.mark.parametrize("form", FORMS)
def test_requirements(tmp_path: Path, form: str) -> None:
    text = FORMS[form]("http-router==4.1.2\nslug==1.0  # 한글\n")
    app = _app(tmp_path, "app.zip", zipped({"spin.toml": TOML, "requirements.txt": text, "app.wasm": "x"}))
    assert [wanted.name for wanted in requirements.of_app(app, "3.4.1")] == ["http-router", "slug"]


def test_blanks_before_a_comment_take_no_time() -> None:
    """A search that begins anew at each blank would take minutes."""
    blanks = " " * 60_000
    assert [wanted.name for wanted in requirements.parse(f"a{blanks}# b\n{blanks}#\nc{blanks}", "f")] == ["a", "c"]


SCRIPT = '# /// script\n# dependencies = ["slug==1.0"]  # 한글\n# ///\nx = "한글"\n'
SOURCES = {
    "UTF-8": SCRIPT.encode(),
    "BOM": b"\xef\xbb\xbf" + SCRIPT.encode(),
    "CRLF": SCRIPT.replace("\n", "\r\n").encode(),
    "euc-kr": ("# -*- coding: euc-kr -*-\n" + SCRIPT).encode("euc-kr"),
    "cp949": ("#!/usr/bin/python\n# vim: set fileencoding=cp949 :\n" + SCRIPT).encode("cp949"),
    "latin-1": ("# coding=latin-1\n" + SCRIPT.replace("한글", "é")).encode("latin-1"),
}


@pytest.mark.parametrize("encoding", SOURCES)
def test_the_script_block(tmp_path: Path, encoding: str) -> None:
    app = _app(tmp_path, "my app.py", SOURCES[encoding])
    assert [wanted.name for wanted in requirements.of_app(app, "3.4.1")] == ["slug"]


@pytest.mark.parametrize(
    "source",
    [
        b"# coding: punycode\n" + b"a" * 50,
        b"# coding: rot13\n",
        b"# coding: no-such-thing\n",
        b"# coding: euc-kr\n\xff\xff",
        b"\xff\xfea\0",
        b"\xff",
    ],
)
def test_no_python_source(source: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_python(source)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\n한글".encode("cp949"), "f, line 2: not UTF-8 text (it reads as code page 949, EUC-KR"),
        (b"a\nb\xff", "f, line 2: not UTF-8 text. Save it as UTF-8."),
        ("a\nb".encode("utf-16-le"), "f, line 1: has NUL characters, as UTF-16"),
        (b"\xff\xfea", "f: begins as UTF-16 and is none. Save it as UTF-8."),
    ],
)
def test_no_text(content: bytes, message: str) -> None:
    with pytest.raises(BuildError) as refusal:
        decode(content, "f")
    assert str(refusal.value).startswith(message)


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=60))
def test_any_bytes_are_text_or_refused(content: bytes) -> None:
    try:
        text = composed(decode(content, "f"), "f")
    except BuildError:
        return
    assert unicodedata.is_normalized("NFC", text)


@pytest.mark.parametrize(("accents", "fits"), [(30, True), (31, False)])
def test_accents_on_one_letter(accents: int, *, fits: bool) -> None:
    text = "x\ne" + "\u0323\u0301" * (accents // 2) + "\u0301" * (accents % 2)
    if fits:
        assert composed(text, "f") == unicodedata.normalize("NFC", text)
    else:
        with pytest.raises(BuildError, match=r"^f, line 2: more than 30 accents"):
            composed(text, "f")


BOUNDS: dict[str, tuple[Callable[[int], str], int, str]] = {
    "key": (lambda size: ".".join("a" * size) + " = 1", MOST_KEY_PARTS, "a key of more than"),
    "table": (lambda size: "[" + " . ".join(["'a'"] * size) + "]", MOST_KEY_PARTS, "a key of more than"),
    "arrays": (lambda size: "a = " + "[" * size + "]" * size, MOST_NESTED, "nested too deeply"),
    "tables": (lambda size: "a = " + "{a=" * size + "1" + "}" * size, MOST_NESTED, "nested too deeply"),
    "number": (lambda size: "a = " + "9" * size, MOST_WORD, "a word of more than"),
}


@pytest.mark.parametrize("bound", BOUNDS)
def test_bounds_of_toml(bound: str) -> None:
    make, most, message = BOUNDS[bound]
    assert read_toml("\n" + make(most), "f")
    with pytest.raises(BuildError, match=f"^f, line 2: {message}"):
        read_toml("\n" + make(most + 1), "f")


def test_bounds_do_not_count_what_stands_in_strings_and_comments() -> None:
    inside = "." * 100 + "[" * 100 + "9" * 2000
    text = f"""a = "{inside}\\"" # {inside}\nb = '{inside}'\nc = \"\"\"\n{inside}\\\"\"\"\"\nd = '''\n{inside}'''\n"""
    assert read_toml(text, "f") == tomllib.loads(text)


@pytest.mark.parametrize(("size", "fits"), [(MOST_CHARACTERS, True), (MOST_CHARACTERS + 1, False)])
def test_the_size_of_toml(size: int, *, fits: bool) -> None:
    if fits:
        assert read_toml("#" * size, "f") == {}
    else:
        with pytest.raises(BuildError, match=r"^f is longer than"):
            read_toml("#" * size, "f")


@pytest.mark.parametrize("text", ["x = 2026-02-30T10:00:00", "x = " + "9" * 5000, "x = 1__0", 'x = """'])
def test_what_is_no_toml_is_the_uploaders(text: str) -> None:
    with pytest.raises(BuildError, match=r"^f"):
        read_toml(text, "f")


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.sampled_from("a.b=[]{}\"'\\#\n 19-:T,"), max_size=40))
def test_any_toml_is_what_tomllib_reads_or_refused(text: str) -> None:
    try:
        expected = tomllib.loads(text)
    except ValueError:
        with pytest.raises(BuildError, match=r"^f"):
            read_toml(text, "f")
    else:
        assert str(read_toml(text, "f")) == str(expected)
