"""Image references: what is one, what is not, and how each is split."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.oci.reference import ImageReference, InvalidReferenceError, is_digest, parse_reference

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "host", "repository", "tag", "digest"),
    [
        ("docker.io/me/hello:1", "docker.io", "me/hello", "1", None),
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
        *("", "ghcr.io/Me/hello:v1", "https://ghcr.io/me/hello:v1", "ghcr.io/me/hello:-x", "ghcr.io/me/../hello:v1"),
        *("ghcr.io/me/hello@sha256:abc", "ghcr.io/me/hello@sha512:" + "a" * 128, "ghcr.io/한글:v1"),
        *("hello", "me/hello:1", "ghcr.io/me/hello"),  # what Docker Hub and `latest` would be put to
    ],
)
def test_refuses_what_is_no_whole_reference_and_shows_it(text: str) -> None:
    with pytest.raises(InvalidReferenceError) as refused:
        parse_reference(text)
    assert str(refused.value).startswith(repr(text))


def test_the_digest_is_asked_for_before_the_tag() -> None:
    assert parse_reference(f"ghcr.io/a:v1@{DIGEST}").version == DIGEST
    assert parse_reference("ghcr.io/a:v1").version == "v1"


def test_docker_hub_answers_under_another_name() -> None:
    assert parse_reference("docker.io/me/hello:v1").server == "index.docker.io"
    assert parse_reference("ghcr.io/hello:v1").server == "ghcr.io"


def test_long_names_that_almost_match_are_refused_at_once() -> None:
    with pytest.raises(InvalidReferenceError):
        parse_reference("a.io/" + "a" * 20_000 + "!:v1")
    with pytest.raises(InvalidReferenceError):
        parse_reference("a.io/" + "a-" * 10_000 + ":v1")


_part = st.from_regex(r"[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}", fullmatch=True)
_host = st.from_regex(r"[a-zA-Z0-9]{1,8}(\.[a-zA-Z0-9]{1,8}){1,3}(:[0-9]{1,5})?", fullmatch=True)
_tag = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
_digest = st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)


@settings(max_examples=50)
@given(_host, st.lists(_part, min_size=1, max_size=4), st.none() | _tag, st.none() | _digest)
def test_every_reference_reads_back_as_written(
    host: str, parts: list[str], tag: str | None, digest: str | None
) -> None:
    if not tag and not digest:
        tag = "v1"
    text = f"{host}/{'/'.join(parts)}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    parsed = parse_reference(text)
    assert parsed == ImageReference(host, "/".join(parts), tag, digest)
    assert str(parsed) == text


@given(st.text(max_size=60) | st.from_regex(r"[a-z./:@-]{0,40}", fullmatch=True))
def test_any_text_is_either_a_reference_or_refused(text: str) -> None:
    try:
        parsed = parse_reference(text)
    except InvalidReferenceError:
        return
    assert ".." not in parsed.repository.split("/")
    assert parsed.repository.isascii()
    assert parsed.digest is None or is_digest(parsed.digest)
