"""requirements.txt and script blocks: which lines are taken, and what each refusal says."""

from pathlib import Path

import pytest
from builder.errors import BuildError
from builder.packages.requirements import Wanted, of_app, parse
from builder.settings import Limits
from builder.source.upload import unpack
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.builder.harness import MAKE_COMPONENT, manifest, order, zipped

SDK = "3.4.1"


def _of_upload(tmp_path: Path, file_name: str, content: str | bytes) -> list[tuple[str, str]]:
    upload, folder = tmp_path / "upload", tmp_path / "app"
    upload.write_bytes(content.encode() if isinstance(content, str) else content)
    folder.mkdir()
    task = order(f"build-sources/team-a/task/{file_name}")
    return _plain(of_app(unpack(upload, task, folder, Limits()), SDK))


def _of_zip(tmp_path: Path, **files: str) -> list[tuple[str, str]]:
    return _of_upload(tmp_path, "app.zip", zipped({"spin.toml": manifest(), "requirements.txt": files["text"]}))


def _plain(wanted: list[Wanted]) -> list[tuple[str, str]]:
    return [(str(entry.requirement), entry.where) for entry in wanted]


def test_names_with_versions_extras_and_markers() -> None:
    text = (
        "# what the app needs\n\nrequests\nJinja2 >= 3.0, < 4  # templates\n"
        "http[brotli] == 1.2.3 ; python_version >= '3.11'\nlong-name == \\\n  1.0\n"
    )
    assert _plain(parse(text, "requirements.txt")) == [
        ("requests", "requirements.txt, line 3"),
        ("Jinja2<4,>=3.0", "requirements.txt, line 4"),
        ('http[brotli]==1.2.3; python_version >= "3.11"', "requirements.txt, line 5"),
        ("long-name==1.0", "requirements.txt, line 6"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "-r other.txt",
        "-r /etc/passwd",
        "-c constraints.txt",
        "-e .",
        "--editable=git+https://example.com/a.git",
        "--index-url https://evil.example.com/simple",
        "-i https://evil.example.com/simple",
        "--extra-index-url https://evil.example.com/simple",
        "--extra-index-url=https://evil.example.com/simple",
        "--find-links /tmp",
        "-f https://evil.example.com",
        "--trusted-host evil.example.com",
        "--no-binary :all:",
        "--pre",
        "--config-settings=a=b",
        "requests --hash=sha256:00",
        "requests --config-settings=a=b",
        "requests -i https://evil.example.com",
    ],
)
def test_options_are_refused_by_line(line: str) -> None:
    with pytest.raises(BuildError, match=r"^requirements\.txt, line 2: '.*': options such as -r are not supported"):
        parse(f"requests\n{line}\n", "requirements.txt")


@pytest.mark.parametrize(
    "line",
    [
        "git+https://example.com/a.git",
        "a @ git+ssh://git@example.com/a.git@main",
        "hg+http://example.com/a",
        "https://example.com/a-1.0.tar.gz",
        "a @ https://example.com/a-1.0-py3-none-any.whl",
        "a@https://example.com/a.zip",
        "a @ file:///etc/passwd",
        "file:///etc/passwd",
        "./a",
        "../a",
        "/etc/passwd",
        "~/a",
        ".",
        "a-1.0.tar.gz",
        "a-1.0-py3-none-any.whl",
        "dist\\a.zip",
        "${HOME}/a.whl",
    ],
)
def test_urls_and_paths_are_refused_by_line(line: str) -> None:
    with pytest.raises(BuildError, match=r"^requirements\.txt, line 2: '.*' is a URL or a path"):
        parse(f"requests\n{line}\n", "requirements.txt")


@pytest.mark.parametrize("line", ["a b", "==1.0", "a==", "a[", "${A}", "a; nonsense", "가", "a\x00b"])
def test_what_is_no_requirement(line: str) -> None:
    with pytest.raises(BuildError, match=r"^requirements\.txt, line 1: '.*' is not a requirement: "):
        parse(line, "requirements.txt")


def test_a_token_in_a_url_is_not_repeated() -> None:
    with pytest.raises(BuildError) as refusal:
        parse("a @ git+https://user:s3cret-token@example.com/a.git", "requirements.txt")
    assert "s3cret-token" not in str(refusal.value)


@given(text=st.text(max_size=80))
def test_any_text_is_taken_as_names_or_refused(text: str) -> None:
    try:
        wanted = parse(text, "requirements.txt")
    except BuildError as error:
        assert str(error).startswith("requirements.txt, line ")  # noqa: PT017
        return
    for entry in wanted:
        assert entry.requirement.url is None
        # What uv is given is one requirement and nothing else.
        assert "\n" not in str(entry.requirement)
        assert not str(entry.requirement).startswith(("-", ".", "/"))


def test_files_at_the_root_and_beside_components(tmp_path: Path) -> None:
    text = 'spin_manifest_version = 2\n[application]\nname = "two"\n' + "".join(
        f'[component.{name}]\nsource = "{name}/app.wasm"\n[component.{name}.build]\n'
        f"command = '''{MAKE_COMPONENT}'''\nworkdir = \"{name}\"\n"
        for name in ("left", "right")
    )
    files = {"requirements.txt": "a", "left/requirements.txt": "b", "other/requirements.txt": "-e no"}
    assert _of_upload(tmp_path, "app.zip", zipped({"spin.toml": text, **files})) == [
        ("a", "requirements.txt, line 1"),
        ("b", "left/requirements.txt, line 1"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "spin-sdk==3.4.1\ncomponentize-py==0.17.2\nmypy==1.8.0\n",
        "spin-sdk == 3.1.0\nComponentize_Py==0.13.3",
        "spin_sdk",
        "spin-sdk~=3.3",
        "spin-sdk==3.*",
        "spin-sdk>=3,<4",
    ],
)
def test_what_every_template_lists_is_there_already(tmp_path: Path, text: str) -> None:
    assert _of_zip(tmp_path, text=text) == []


@pytest.mark.parametrize("specifier", ["==5.0.0", ">=4", "==2.0.0", "<3", "~=4.0"])
def test_another_sdk_is_refused(tmp_path: Path, specifier: str) -> None:
    with pytest.raises(BuildError, match=r"^requirements\.txt, line 1: .* is not the Spin SDK .* \(3\.4\.1\)"):
        _of_zip(tmp_path, text=f"spin-sdk{specifier}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x\n" * 40_000, "requirements.txt is larger than 65,536 bytes."),
        ("a\n" * 201, "The app asks for more than 200 packages. List what it imports itself."),
    ],
)
def test_a_file_that_is_too_long(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BuildError) as refusal:
        _of_zip(tmp_path, text=text)
    assert str(refusal.value) == message


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    content = zipped({"spin.toml": manifest(), "requirements.txt": b"a\n\xff\n"})
    with pytest.raises(BuildError, match=r"^requirements\.txt, line 2: not UTF-8 text\. Save it as UTF-8\.$"):
        _of_upload(tmp_path, "app.zip", content)


def _script(*lines: str, kind: str = "script") -> str:
    return "\n".join(["#!/usr/bin/env python", f"# /// {kind}", *(f"# {line}".rstrip() for line in lines), "# ///"])


def test_a_script_block(tmp_path: Path) -> None:
    source = _script('requires-python = ">=3.11"', "dependencies = [", '  "requests<3",', "", '  "rich",', "]")
    assert _of_upload(tmp_path, "my-app.py", source + "\nimport requests\n") == [
        ("requests<3", "my-app.py, script block in line 2"),
        ("rich", "my-app.py, script block in line 2"),
    ]


@pytest.mark.parametrize(
    "source",
    [
        "x = 1\n",
        "# /// script\n# dependencies = ['a']\n",  # does not end
        "# /// script\ndependencies = ['a']\n# ///\n",  # not a comment
        _script("dependencies = ['a']", kind="other"),
        "#/// script\n# dependencies = ['a']\n# ///\n",
        _script("x = 1"),
        "",
    ],
)
def test_no_script_block(tmp_path: Path, source: str) -> None:
    assert _of_upload(tmp_path, "app.py", source) == []


def test_the_last_line_that_can_end_a_block_does(tmp_path: Path) -> None:
    source = _script("dependencies = ['''a", "///", "''']")
    with pytest.raises(BuildError, match="is not a requirement"):
        _of_upload(tmp_path, "app.py", source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (_script("dependencies = ["), "app.py, script block in line 2 is not valid TOML: "),
        (_script("dependencies = 1"), "app.py, script block in line 2: dependencies must be a list of strings."),
        (_script("dependencies = ['git+https://x']"), "app.py, script block in line 2: 'git+https://x' is a URL or"),
        (_script("dependencies = ['-e .']"), "app.py, script block in line 2: '-e .': options such as -r"),
        (_script("requires-python = '>=3.13'"), "app.py, script block in line 2: requires-python is '>=3.13', but"),
        (_script("requires-python = 3"), "app.py, script block in line 2: requires-python must be a version specifier"),
        (_script("a = 1") + "\n\n" + _script("a = 1"), "app.py, line 7: a second script block. Keep one of them."),
    ],
)
def test_a_script_block_that_is_not_taken(tmp_path: Path, source: str, message: str) -> None:
    with pytest.raises(BuildError) as refusal:
        _of_upload(tmp_path, "app.py", source)
    assert str(refusal.value).startswith(message)


def test_a_file_made_to_be_slow_to_read(tmp_path: Path) -> None:
    assert _of_upload(tmp_path, "app.py", "# /// a\n" * 200_000) == []


@pytest.mark.parametrize(
    "line",
    [
        "a; " + "(" * 1900,
        "spin-sdk==" + "9" * 5000,
        "a>=" + "9" * 4500,
        "a" + " " * 5000 + "b",
        "a; python_version < '" + "9" * 5000 + "'",
        "a[" + "b," * 2000 + "]",
    ],
)
def test_a_line_that_is_made_to_hurt_is_named(line: str) -> None:
    with pytest.raises(BuildError, match=r"^requirements\.txt, line 1: '") as caught:
        parse(line, "requirements.txt")
    assert len(str(caught.value)) < 500


def test_the_length_of_a_line_on_both_sides() -> None:
    assert len(parse("a" * 2000, "requirements.txt")) == 1
    with pytest.raises(BuildError, match=r"longer than 2,000 characters"):
        parse("a" * 2001, "requirements.txt")


def test_blanks_and_comments_are_as_long_as_they_like() -> None:
    assert _plain(parse("a" + " " * 60_000 + "# x\n#" + "#" * 60_000, "r")) == [("a", "r, line 1")]


@given(st.text(max_size=200) | st.text("ab=<>~;()[],.!'\" 09#\\\n", max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    told = "requirements.txt, line 1"
    try:
        parse(text, "requirements.txt")
    except BuildError as error:
        told = str(error)
    assert told.startswith("requirements.txt, line ")


@pytest.mark.parametrize("value", [">=" + "9" * 5000, ">=" + "1." * 500, "x" * 201])
def test_a_version_of_python_that_is_made_to_hurt(tmp_path: Path, value: str) -> None:
    block = f'# /// script\n# requires-python = "{value}"\n# ///\n'
    with pytest.raises(BuildError, match="requires-python must be a version specifier"):
        _of_upload(tmp_path, "a.py", block)
