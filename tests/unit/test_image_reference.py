"""Image references and which registry they lead to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.contracts.image_reference import ImageReference

DIGEST = "sha256:" + "0f" * 32


@pytest.mark.parametrize(
    ("text", "host", "repository", "tag", "digest", "version"),
    [
        ("ghcr.io/team/app:v1", "ghcr.io", "team/app", "v1", None, "v1"),
        ("localhost:5000/app:v1", "localhost:5000", "app", "v1", None, "v1"),
        (f"localhost:5000/app@{DIGEST}", "localhost:5000", "app", None, DIGEST, DIGEST),
        (f"ghcr.io/a/b/c:v1@{DIGEST}", "ghcr.io", "a/b/c", "v1", DIGEST, DIGEST),
    ],
)
def test_parts(text: str, host: str, repository: str, tag: str | None, digest: str | None, version: str) -> None:
    image = ImageReference.parse(text)
    assert (image.host, image.repository, image.tag, image.digest) == (host, repository, tag, digest)
    assert image.version == version
    assert image.name == f"{host}/{repository}"
    assert image.at(DIGEST) == f"{host}/{repository}@{DIGEST}"


@pytest.mark.parametrize("text", ["", "app", "app:v1", "ghcr.io/app", "localhost:5000/app", "/app:v1", "host/:v1"])
def test_no_full_reference(text: str) -> None:
    with pytest.raises(ValueError, match="not a full image reference"):
        ImageReference.parse(text)


@given(st.text(max_size=80))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        image = ImageReference.parse(text)
    except ValueError:
        return
    assert image.host
    assert image.repository
    assert "/" not in image.host


@pytest.mark.parametrize(
    ("host", "registry"),
    [
        ("123456789012.dkr.ecr.ap-northeast-2.amazonaws.com", ("123456789012", "ap-northeast-2")),
        ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", ("123456789012", "us-east-1")),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", ("123456789012", "cn-north-1")),
        ("123456789012.dkr-ecr.us-west-2.on.aws", ("123456789012", "us-west-2")),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com.example.com", None),
        ("12345678901.dkr.ecr.us-east-1.amazonaws.com", None),
        ("public.ecr.aws", None),
        ("ghcr.io", None),
    ],
)
def test_ecr_hosts(host: str, registry: tuple[str, str] | None) -> None:
    assert ImageReference.parse(f"{host}/app:v1").ecr_registry() == registry
