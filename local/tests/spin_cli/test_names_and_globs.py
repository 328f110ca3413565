"""Ids and glob patterns, each against a second way to say what they are."""

from contextlib import suppress

import pytest
from builder.source.glob import is_glob
from hypothesis import given
from hypothesis import strategies as st

from local.spin_cli.globs import GlobError, WalkPattern, compile_exclude
from local.spin_cli.ids import kebab_fault, label_fault, lower_snake_fault


def _words(text: str, separator: str) -> bool:
    """The oracle: word by word."""
    return all(
        word[:1].isalpha() and word.isalnum() and word.isascii() and word in (word.lower(), word.upper())
        for word in text.split(separator)
    )


_names = st.from_regex(r"[a-zA-Z0-9_\-]{0,12}", fullmatch=True) | st.text(max_size=6)
_good = st.from_regex(r"([a-z][a-z0-9]{0,3}|[A-Z][A-Z0-9]{0,3})([_-]([a-z]|[A-Z]))*", fullmatch=True)


@given(_names | _good)
def test_a_name_is_faulty_exactly_when_a_word_of_it_is(name: str) -> None:
    assert (kebab_fault(name) is None) == _words(name, "-")
    assert (lower_snake_fault(name) is None) == (_words(name, "_") and name == name.lower())
    assert (label_fault(name) is None) == (_words(name, "-") or _words(name, "_"))


def test_a_fault_names_the_name_and_what_is_expected() -> None:
    assert kebab_fault("my_app") == (
        "'my_app' is not valid: words of ASCII letters and digits, each starting with a letter and of one case, joined "
        "by '-'"
    )


@pytest.mark.parametrize(
    ("pattern", "matches", "misses"),
    [
        ("*.txt", ["a.txt", ".txt"], ["d/a.txt", "a.txt.b"]),
        ("**/*", ["a", "d/a", ".hidden/.b"], []),
        ("**/*.js", ["a.js", "d/e/a.js"], ["a.jsx"]),
        ("d/**/a", ["d/a", "d/e/f/a"], ["a", "x/d/a"]),
        ("d/**", [], ["d/a", "d/e/a"]),
        ("./d//a?", ["d/ab"], ["d/a", "d/a/"]),
        ("[a-c]x", ["ax", "cx"], ["dx", "/x"]),
        ("[!a-c]x", ["dx"], ["ax", "/x"]),
        ("[]]x", ["]x"], ["x"]),
        ("[!]]", ["x"], ["]"]),
        ("?{b,c}", ["a{b,c}"], ["ab"]),
        ("?.b", ["a.b"], ["axb"]),
    ],
)
def test_walk_patterns(pattern: str, matches: list[str], misses: list[str]) -> None:
    walked = WalkPattern(pattern)
    assert [path for path in matches + misses if walked.matches(path)] == matches


@pytest.mark.parametrize(
    ("pattern", "matches", "misses"),
    [
        ("secrets/*", ["secrets/a", "secrets/b/c"], ["a/secrets/b"]),
        ("**/*.key", ["a.key", "d/e/a.key"], ["a.keys"]),
        ("d/**", ["d/a", "d/e/a"], ["e/d"]),
        ("a?b", ["a/b", "axb"], ["ab"]),
    ],
)
def test_exclude_patterns_cross_slashes(pattern: str, matches: list[str], misses: list[str]) -> None:
    compiled = compile_exclude(pattern)
    assert [path for path in matches + misses if compiled.fullmatch(path)] == matches


@pytest.mark.parametrize("pattern", ["a**", "**b/c", "***", "[", "[a", "[!]", "[]"])
def test_malformed_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(GlobError):
        WalkPattern(pattern)
    with pytest.raises(GlobError):
        compile_exclude(pattern)


def _matches(names: list[str], path: list[str]) -> bool:
    """The oracle: match name by name, trying every number of folders for ``**``."""
    if not names:
        return not path
    if names[0] == "**":
        return _matches(names[1:], path) or (bool(path) and _matches(names, path[1:]))
    return bool(path) and _matches_name(names[0], path[0]) and _matches(names[1:], path[1:])


def _matches_name(pattern: str, name: str) -> bool:
    if not pattern:
        return not name
    if pattern[0] == "*":
        return _matches_name(pattern[1:], name) or (bool(name) and _matches_name(pattern, name[1:]))
    return bool(name) and pattern[0] in ("?", name[0]) and _matches_name(pattern[1:], name[1:])


_name_pattern = st.from_regex(r"[ab.?]{1,3}|[ab.?]?\*[ab.?]?", fullmatch=True).filter(lambda text: text != ".")
_pattern = st.lists(_name_pattern | st.just("**"), min_size=1, max_size=4).filter(lambda names: is_glob("".join(names)))
_path = st.lists(st.from_regex(r"[ab.]{1,3}", fullmatch=True), min_size=1, max_size=4)


@given(_pattern, _path)
def test_walk_patterns_match_as_name_by_name_matching_does(names: list[str], path: list[str]) -> None:
    expected = names[-1] != "**" and _matches(names, path)
    assert WalkPattern("/".join(names)).matches("/".join(path)) == expected


@given(st.text(alphabet="ab/*?[]!-.\\(^", max_size=12))
def test_any_pattern_compiles_or_is_refused(pattern: str) -> None:
    with suppress(GlobError):
        WalkPattern(pattern).matches("a/b")
    with suppress(GlobError):
        compile_exclude(pattern).fullmatch("a/b")
