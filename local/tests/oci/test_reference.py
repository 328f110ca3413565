"""Image references: what is one, what is not, and how each is split."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.oci.reference import ImageReference, InvalidReferenceError, is_digest, parse_reference

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "host", "repository", "tag", "digest"),
    [
        ("hello", "docker.io", "library/hello", "latest", None),
        ("me/hello:1", "docker.io", "me/hello", "1", None),
        ("docker.io/hello", "docker.io", "library/hello", "latest", None),
        ("index.docker.io/me/hello", "docker.io", "me/hello", "latest", None),
        ("localhost/hello", "localhost", "hello", "latest", None),
        ("localhost:5000/hello:v1", "localhost:5000", "hello", "v1", None),
        ("127.0.0.1:5000/a/b/c:v1", "127.0.0.1:5000", "a/b/c", "v1", None),
        ("ghcr.io/me/hello@" + DIGEST, "ghcr.io", "me/hello", None, DIGEST),
        ("ghcr.io/me/hello:v1@" + DIGEST, "ghcr.io", "me/hello", "v1", DIGEST),
        ("Ghcr.IO/a__b/c---d.e_f:A.b-C_d", "Ghcr.IO", "a__b/c---d.e_f", "A.b-C_d", None),
    ],
)
def test_splits_a_reference(text: str, host: str, repository: str, tag: str | None, digest: str | None) -> None:
    assert parse_reference(text) == ImageReference(host, repository, tag, digest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " hello",
        "hello\n",
        "/hello",
        "hello/",
        "a//b",
        "Hello",
        "ghcr.io/Me/hello",
        "https://ghcr.io/me/hello",
        "ghcr.io/me/hello:",
        "ghcr.io/me/hello:-x",
        "ghcr.io/me/hello@sha256:abc",
        "ghcr.io/me/hello@sha256:" + "A" * 64,
        "ghcr.io/me/hello@sha512:" + "a" * 128,
        "ghcr.io/me/../hello",
        "ghcr.io:port/hello",
        "ghcr.io/한글:v1",
        "a___b",
        "hello:v1:v2",
    ],
)
def test_refuses_what_is_no_reference(text: str) -> None:
    with pytest.raises(InvalidReferenceError):
        parse_reference(text)


def test_names_the_upper_case_as_the_fault() -> None:
    with pytest.raises(InvalidReferenceError, match="lower case"):
        parse_reference("ghcr.io/Me/Hello")


def test_a_name_has_at_most_255_characters() -> None:
    assert parse_reference("a" * 255).repository == "library/" + "a" * 255
    with pytest.raises(InvalidReferenceError, match="255"):
        parse_reference("a" * 256)


def test_a_tag_has_at_most_128_characters() -> None:
    assert parse_reference("a:" + "t" * 128).tag == "t" * 128
    with pytest.raises(InvalidReferenceError):
        parse_reference("a:" + "t" * 129)


def test_the_digest_is_asked_for_before_the_tag() -> None:
    assert parse_reference(f"a:v1@{DIGEST}").version == DIGEST
    assert parse_reference("a:v1").version == "v1"


def test_docker_hub_answers_under_another_name() -> None:
    assert parse_reference("hello").server == "index.docker.io"
    assert parse_reference("ghcr.io/hello").server == "ghcr.io"


def test_long_names_that_almost_match_are_refused_at_once() -> None:
    with pytest.raises(InvalidReferenceError):
        parse_reference("a" * 20_000 + "!")
    with pytest.raises(InvalidReferenceError):
        parse_reference("a-" * 10_000)


_part = st.from_regex(r"[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}", fullmatch=True)
_host = st.from_regex(r"[a-zA-Z0-9]{1,8}(\.[a-zA-Z0-9]{1,8}){1,3}(:[0-9]{1,5})?", fullmatch=True)
_tag = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
_digest = st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)


@settings(max_examples=50)
@given(_host, st.lists(_part, min_size=1, max_size=4), st.none() | _tag, st.none() | _digest)
def test_every_reference_reads_back_as_written(
    host: str, parts: list[str], tag: str | None, digest: str | None
) -> None:
    text = f"{host}/{'/'.join(parts)}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    parsed = parse_reference(text)
    assert (parsed.host, parsed.repository, parsed.digest) == (host, "/".join(parts), digest)
    assert parsed.tag == (tag if tag or digest else "latest")
    assert parse_reference(str(parsed)) == parsed


@given(st.text(max_size=60) | st.from_regex(r"[a-z./:@-]{0,40}", fullmatch=True))
def test_any_text_is_either_a_reference_or_refused(text: str) -> None:
    try:
        parsed = parse_reference(text)
    except InvalidReferenceError:
        return
    assert ".." not in parsed.repository.split("/")
    assert parsed.repository.isascii()
    assert parsed.digest is None or is_digest(parsed.digest)
