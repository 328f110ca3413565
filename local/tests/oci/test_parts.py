"""The small parts: the store, credentials, mirrors, challenges, error texts."""

from pathlib import Path

import httpx
import pytest

from local.oci.auth import RegistryAuth, parse_challenge
from local.oci.credentials import Credentials, decode_pair, encode_pair, from_docker_config
from local.oci.errors import CorruptContentError, trimmed_message
from local.oci.mirrors import Mirrors
from local.oci.reference import sha256_digest
from local.oci.store import ContentStore

ME = Credentials("me", "pass:word")


def test_a_store_keeps_only_what_its_digest_says(tmp_path: Path) -> None:
    store = ContentStore(tmp_path)
    digest = sha256_digest(b"ab")
    assert not store.has(digest)
    with pytest.raises(CorruptContentError):
        store.write(digest, [b"a", b"c"], source="test")
    assert list(store.path(digest).parent.iterdir()) == []
    assert store.write(digest, [b"a", b"b"], source="test", size=2).read_bytes() == b"ab"
    assert store.has(digest)


def test_a_store_drops_what_a_broken_source_sent(tmp_path: Path) -> None:
    def broken() -> object:
        yield b"a"
        raise ConnectionError

    store = ContentStore(tmp_path)
    with pytest.raises(ConnectionError):
        store.write(sha256_digest(b"ab"), broken(), source="test")  # type: ignore[arg-type]  # a generator is iterable
    assert list(store.path(sha256_digest(b"ab")).parent.iterdir()) == []


@pytest.mark.parametrize("digest", ["", "sha256:", "sha256:../x", "sha256:" + "g" * 64, "sha256:" + "A" * 64])
def test_a_store_takes_no_other_names(tmp_path: Path, digest: str) -> None:
    with pytest.raises(ValueError, match="not a sha256 digest"):
        ContentStore(tmp_path).path(digest)


def test_a_password_is_not_shown() -> None:
    assert "pass" not in repr(ME)


def test_pairs_read_back_and_anything_else_is_none() -> None:
    assert decode_pair(encode_pair(ME)) == ME
    assert decode_pair("%%%") is None
    assert decode_pair("YWJj") is None, "no colon"


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({"auth": encode_pair(ME)}, ME),
        ({"username": "me", "password": "pass:word"}, ME),
        ({"auth": "broken"}, None),
        ({}, None),
        ("text", None),
    ],
)
@pytest.mark.parametrize("key", ["ghcr.io", "https://ghcr.io"])
def test_reads_docker_config_entries(entry: object, found: Credentials | None, key: str) -> None:
    assert from_docker_config({"auths": {key: entry}}, "ghcr.io") == found
    assert from_docker_config({"auths": {key: entry}}, "quay.io") is None


def test_runs_no_credential_helper() -> None:
    assert from_docker_config({"credsStore": "test", "auths": {}}, "ghcr.io") is None


def test_mirrors_answer_for_their_hosts_only(tmp_path: Path) -> None:
    file = tmp_path / "mirrors.json"
    file.write_text('{"ecr.example.com": "http://127.0.0.1:5000/"}')
    mirrors = Mirrors.load(file)
    assert mirrors.base_url("ecr.example.com") == "http://127.0.0.1:5000"
    assert mirrors.base_url("ghcr.io") == "https://ghcr.io"
    assert mirrors.base_url("ghcr.io", plain_http=True) == "http://ghcr.io"
    assert mirrors.base_url("localhost:5000") == "http://localhost:5000"
    assert mirrors.base_url("127.0.0.1:5000") == "http://127.0.0.1:5000"
    assert mirrors.base_url("index.docker.io") == "https://registry-1.docker.io"
    assert Mirrors.load(None) == Mirrors()


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}'])
def test_a_bad_mirrors_file_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mirrors.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"mirrors\.json"):
        Mirrors.load(file)


@pytest.mark.parametrize(
    ("header", "parsed"),
    [
        ('Basic realm="x"', ("basic", {"realm": "x"})),
        (
            'Bearer realm="https://a/t?b=c",service="s",scope="repository:a:pull,push"',
            ("bearer", {"realm": "https://a/t?b=c", "service": "s", "scope": "repository:a:pull,push"}),
        ),
        ('bearer realm="a\\"b" , service=s', ("bearer", {"realm": 'a"b', "service": "s"})),
        ("", ("", {})),
        ("Basic", ("basic", {})),
        ("Bearer realm", ("", {})),
        ("Bearer realm=", ("", {})),
    ],
)
def test_reads_challenges(header: str, parsed: tuple[str, dict[str, str]]) -> None:
    assert parse_challenge(header) == parsed


@pytest.mark.parametrize(
    ("realm", "asked"),
    [
        ("https://auth.example.com/token", True),
        ("http://127.0.0.1:5000/token", True),
        ("http://auth.example.com/token", False),
        ("ftp://127.0.0.1/token", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_a_password_goes_only_where_nobody_can_read_it_on_the_way(realm: str, asked: bool) -> None:
    hosts = []

    def answer(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        return httpx.Response(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'})

    with httpx.Client(transport=httpx.MockTransport(answer), auth=RegistryAuth(ME, "repository:a:pull")) as client:
        assert client.get("https://r.example.com/v2/").status_code == 401
    assert (set(hosts) != {"r.example.com"}) == asked


def test_a_registrys_words_are_cut_to_one_short_line() -> None:
    assert trimmed_message('{"errors":[{"code":"A","message":"first"},{"code":"B"}]}') == "first; B"
    assert trimmed_message("<html>\n  <b>no</b>\n</html>") == "<html> <b>no</b> </html>"
    assert len(trimmed_message("x" * 300)) == 300
    assert trimmed_message("x" * 301) == "x" * 299 + "…"
    assert trimmed_message('{"errors":"no"}') == '{"errors":"no"}'


@pytest.mark.parametrize(
    ("registry", "realm", "trusted"),
    [
        ("https://registry.example/v2/", "https://registry.example/token", True),
        ("https://registry.example/v2/", "https://evil.example/token", False),
        ("http://127.0.0.1:5000/v2/", "http://127.0.0.1:5001/token", True),
        ("http://127.0.0.1:5000/v2/", "https://evil.example/token", False),
    ],
)
def test_the_password_follows_no_registry_to_another_host(registry: str, realm: str, trusted: bool) -> None:
    flow = RegistryAuth(Credentials("user", "s3cret"), "repository:a:pull").auth_flow(httpx.Request("GET", registry))
    next(flow)
    asked = flow.send(httpx.Response(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'}))
    assert asked.url.host == httpx.URL(realm).host
    assert ("authorization" in asked.headers) is trusted
