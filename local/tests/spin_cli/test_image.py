"""From spin.toml to the bytes that are pushed. The digests here were computed from Spin's rules, not by this code."""

import base64
import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from local.oci.reference import sha256_digest
from local.spin_cli.image import ARCHIVE_LAYER, DATA_LAYER, Image, build_image, canonical_json, read_sources
from local.spin_cli.lock import load_app
from local.spin_cli.terminal import SpinError
from local.tests.spin_cli.helpers import COMPONENT, HELLO, write_app

CREATED = "2026-01-02T03:04:05.123456789+00:00"
BUILD = '[component.hello.build]\ncommand = "componentize-py -w spin-http componentize app -o app.wasm"\n'


def image_of(folder: Path) -> Image:
    app = load_app(str(folder / "spin.toml"))
    return build_image(app, read_sources(app), created=CREATED)


def locked(image: Image) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(image.layers[-1].content)
    return document


def failure(folder: Path) -> list[str]:
    with pytest.raises(SpinError) as caught:
        image_of(folder)
    return caught.value.chain()


def test_the_known_app_gives_the_known_bytes(tmp_path: Path) -> None:
    image = image_of(write_app(tmp_path, HELLO + BUILD))
    wasm, app = image.layers
    assert wasm.digest == "sha256:5177802d681d526814eb764a01cddc83324a208313d9133d894662df1a084d89"
    assert app.content.decode() == (
        '{"spin_lock_version":0,"metadata":{"authors":["A <a@example.com>"],"description":"demo","name":"hello",'
        '"trigger":{"type":"http"},"triggers":{},"version":"0.1.0"},"triggers":[{"id":"hello-http-trigger",'
        '"trigger_type":"http","trigger_config":{"component":"hello","route":"/..."}}],"components":[{"id":"hello",'
        '"metadata":{"build":{"command":"componentize-py -w spin-http componentize app -o app.wasm"}},"source":'
        f'{{"content_type":"application/wasm","digest":"{wasm.digest}"}}}}]}}'
    )
    assert app.digest == "sha256:6f83aae186e1476d15c014bb585e54932c4dd68abcbdc7dbab1b52202919c536"
    assert image.config.content.decode() == (
        '{"architecture":"wasm","os":"wasip1","config":{"Labels":{"com.fermyon.spin.lockedAppDigest":'
        f'"{app.digest}"}}}},"rootfs":{{"type":"layers","diff_ids":[]}}}}'
    )
    assert image.config.digest == "sha256:03c99a27bdb9aca562cf5547ea25faa2cc429c1e3c48dca80f4e0c343df1a7f1"
    assert image.manifest.decode() == (
        '{"annotations":{"org.opencontainers.image.authors":"A <a@example.com>",'
        f'"org.opencontainers.image.created":"{CREATED}","org.opencontainers.image.description":"demo",'
        '"org.opencontainers.image.title":"hello","org.opencontainers.image.version":"0.1.0"},"config":{"digest":'
        f'"{image.config.digest}","mediaType":"application/vnd.oci.image.config.v1+json","size":209}},"layers":['
        f'{{"digest":"{wasm.digest}","mediaType":"application/vnd.wasm.content.layer.v1+wasm","size":136}},'
        f'{{"digest":"{app.digest}","mediaType":"application/vnd.fermyon.spin.application.v1+config","size":530}}],'
        '"schemaVersion":2}'
    )
    assert sha256_digest(image.manifest) == "sha256:be5a4648fe45364435a771da4748fcb61dea8b844271ae85c72632965cc9ece3"


def test_the_whole_manifest_goes_where_it_belongs(tmp_path: Path) -> None:
    manifest = """\
spin_manifest_version = 2
[application]
name = "all"
[application.trigger.redis]
address = "redis://r:6379"
[application.tool.mine]
x = 1
[variables]
zeta = { required = true, secret = true }
alpha = { default = "", description = "d" }
[[trigger.redis]]
channel = "c"
component = "b"
[[trigger.http]]
id = "named"
route = { private = true }
component = { source = "app.wasm" }
[[trigger.http]]
route = "/x"
component = "b"
[component.b]
source = "app.wasm"
description = "the b"
environment = { Z = "1", A = "2" }
variables = { y_y = "{{ zeta }}", x = "1" }
allowed_outbound_hosts = ["http://other.spin.internal", "https://{{ zeta }}"]
key_value_stores = ["default", "my_store"]
sqlite_databases = ["default"]
ai_models = ["llama2-chat"]
[component.b.build]
command = ["one", "two"]
workdir = "w"
watch = ["src/*"]
[component.b.tool.mine]
x = 1
"""
    image = image_of(write_app(tmp_path, manifest))
    wasm = sha256_digest(COMPONENT)
    source = {"content_type": "application/wasm", "digest": wasm}
    expected = {
        "spin_lock_version": 1,
        "must_understand": ["component_host_requirements"],
        "metadata": {"name": "all", "triggers": {"redis": {"address": "redis://r:6379"}}},
        "variables": {"alpha": {"description": "d", "default": ""}, "zeta": {"secret": True}},
        "triggers": [
            {"id": "b-redis-trigger", "trigger_type": "redis", "trigger_config": {"channel": "c", "component": "b"}},
            {
                "id": "named",
                "trigger_type": "http",
                "trigger_config": {"component": "named-component", "route": {"private": True}},
            },
            {"id": "b-http-trigger", "trigger_type": "http", "trigger_config": {"component": "b", "route": "/x"}},
        ],
        "components": [
            {
                "id": "b",
                "metadata": {
                    "ai_models": ["llama2-chat"],
                    "allowed_outbound_hosts": ["http://other.spin.internal", "https://{{ zeta }}"],
                    "build": {"command": ["one", "two"], "watch": ["src/*"], "workdir": "w"},
                    "databases": ["default"],
                    "description": "the b",
                    "key_value_stores": ["default", "my_store"],
                },
                "source": source,
                "env": {"A": "2", "Z": "1"},
                "config": {"x": "1", "y_y": "{{ zeta }}"},
                "host_requirements": {"local_service_chaining": "required"},
            },
            {"id": "named-component", "source": source},
        ],
    }
    compact = json.dumps(expected, separators=(",", ":"))
    assert image.layers[-1].content.decode() == compact, "key order counts"
    assert len(image.layers) == 2, "equal layers are one"


@pytest.mark.parametrize(
    ("triggers", "found"),
    [
        ('[[trigger.http]]\ncomponent = "a"\n[[trigger.http]]\ncomponent = "a"', ["a-http-trigger", "http-trigger1"]),
        ('[[trigger.http]]\nid = "http-trigger1"\n[[trigger.http]]\n', ["http-trigger1", "http-trigger2"]),
        (
            '[[trigger.http]]\nid = "a-http-trigger"\n[[trigger.http]]\ncomponent="a"',
            ["a-http-trigger", "http-trigger1"],
        ),
    ],
)
def test_triggers_get_free_ids(tmp_path: Path, triggers: str, found: list[str]) -> None:
    head = 'spin_manifest_version = 2\n[application]\nname = "x"\n'
    app = load_app(str(write_app(tmp_path, head + triggers) / "spin.toml"))
    assert [trigger.id for trigger in app.manifest.triggers["http"]] == found


@pytest.mark.parametrize(("size", "inlined"), [(0, True), (1, True), (128, True), (129, False)])
def test_small_files_are_inlined_and_get_no_layer(tmp_path: Path, size: int, inlined: bool) -> None:
    content = b"\xff" * size
    image = image_of(write_app(tmp_path, HELLO + 'files = ["f"]\n', files={"f": content}))
    (entry,) = locked(image)["components"][0]["files"]
    assert list(entry) == (["inline", "digest", "path"] if inlined else ["digest", "path"])
    assert (entry["digest"], entry["path"]) == (sha256_digest(content), "f")
    if inlined:
        assert entry["inline"] == base64.b64encode(content).decode().rstrip("=")
    assert [layer.media_type for layer in image.layers].count(DATA_LAYER) == (0 if inlined else 1)


@pytest.mark.parametrize(("size", "inlined"), [(128, True), (129, False)])
def test_a_small_wasm_is_inlined_and_still_a_layer(tmp_path: Path, size: int, inlined: bool) -> None:
    wasm = COMPONENT[:8] + bytes(size - 8)
    image = image_of(write_app(tmp_path, HELLO, wasm))
    assert ("inline" in locked(image)["components"][0]["source"]) == inlined
    assert image.layers[0].content == wasm


@pytest.mark.parametrize(("count", "archived"), [(498, False), (499, True)])
def test_too_many_layers_make_an_archive(tmp_path: Path, count: int, archived: bool) -> None:
    files = {f"d/{number:03}": f"{number:0200}" for number in range(count)}
    image = image_of(write_app(tmp_path, HELLO + 'files = ["d/*"]\n', files=files))
    assert [entry["path"] for entry in locked(image)["components"][0]["files"]] == list(files)
    assert len(image.layers) == (3 if archived else count + 2)
    if archived:
        assert image.layers[1].media_type == ARCHIVE_LAYER
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(image.layers[1].content))) as archive:
            assert archive.getnames() == list(files)


def test_empty_annotations_are_left_out(tmp_path: Path) -> None:
    manifest = HELLO.replace('version = "0.1.0"\n', "").replace('description = "demo"\n', "")
    annotations = json.loads(image_of(write_app(tmp_path, manifest)).manifest)["annotations"]
    assert sorted(annotations) == [f"org.opencontainers.image.{key}" for key in ("authors", "created", "title")]


def test_canonical_json_escapes_only_quotes_and_backslashes() -> None:
    assert canonical_json({"b": 'a"\\', "a": ["한글", 1, "e\u0301\n"]}) == '{"a":["한글",1,"\u00e9\n"],"b":"a\\"\\\\"}'


@pytest.mark.parametrize(
    ("wasm", "said"),
    [
        (b"", "source is not a valid .wasm file"),
        (b"hello", "source is not a valid .wasm file"),
        (b"(module)", "source is not a valid .wasm file"),
        (b"\0asm\x02\0\0\0", "source is not a WebAssembly component"),
        (b"\0asm\x01\0\0\0", "source is not a WebAssembly component"),
    ],
)
def test_only_components_are_pushed(tmp_path: Path, wasm: bytes, said: str) -> None:
    (message,) = failure(write_app(tmp_path, HELLO, wasm))
    assert message.startswith("Component hello source is")
    assert said in message


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    (write_app(tmp_path) / "app.wasm").unlink()
    assert failure(tmp_path) == [
        f'failed to read component source from disk at path "{tmp_path}/app.wasm"',
        "No such file or directory (os error 2)",
    ]


@pytest.mark.parametrize(
    "source", ['{ url = "https://example.com/a.wasm", digest = "sha256:00" }', '{ package = "a:b", version = "1.0.0" }']
)
def test_sources_on_the_network_are_refused(tmp_path: Path, source: str) -> None:
    assert "has no network" in failure(write_app(tmp_path, HELLO.replace('"app.wasm"', source)))[-1]


@pytest.mark.parametrize(
    "host",
    [
        "https://example.com",
        "*://*:*",
        "http://self",
        "redis://r",
        "mysql://10.0.0.0/8:3306",
        "a://b:1..65535",
        "https://*.x.io",
    ],
)
def test_outbound_hosts_that_pass(tmp_path: Path, host: str) -> None:
    image_of(write_app(tmp_path, f'{HELLO}allowed_outbound_hosts = ["{host}"]\n'))


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("example.com", "does not contain a scheme"),
        ("*", "is not an allowed outbound host format"),
        ("https://example.com/path", 'Invalid allowed host "example.com/path": must not include a path'),
        ("https://example.com:443/path", "has a path but is not allowed to"),
        ("https://a.*.com", "wildcards are allowed only as subdomains"),
        ("https://*.*.com", "wildcards are allowed only as prefixes"),
        ("amqp://example.com", "no port was provided"),
        ("https://example.com:port", "is not a number"),
        ("https://example.com:65536", "is not a number"),
        ("ht2p://example.com:80", "only alphabetic characters are allowed"),
        ("https://{{ broken", "invalid variable template: unmatched '{{' in template"),
        ("http://user@x", 'Invalid allowed host "user@x": invalid domain character'),
        ("http://x?y", "invalid domain character"),
        ("http://", "empty host"),
        ("http://:80", "empty host"),
        ("http://x:80:90", 'Invalid allowed host "x:80": invalid domain character'),
        ("http://a b", "invalid domain character"),
        ("http://}}x{{", "unmatched '{{'"),
        ("http://[::1]", "is not a number"),
        ("http://1.2.3.999", "invalid IPv4 address"),
        ("insecure:allow-all", "'insecure:allow-all' is not allowed"),
    ],
)
def test_malformed_outbound_hosts_are_refused(tmp_path: Path, host: str, said: str) -> None:
    chain = failure(write_app(tmp_path, f'{HELLO}allowed_outbound_hosts = ["{host}"]\n'))
    assert chain[:3] == [
        f'Failed to load Spin app from "{tmp_path}/spin.toml"',
        "Failed to load component `hello`",
        "`allowed_outbound_hosts` is malformed",
    ]
    assert said in ": ".join(chain[3:])


@pytest.mark.parametrize("host", ["{{ h }}", "{{ h }}://x:80", "http://x:{{ h }}", "http://{{ h }}/path"])
def test_a_default_that_makes_an_outbound_host_invalid_is_refused(tmp_path: Path, host: str) -> None:
    app = HELLO.replace("[[trigger.http]]", '[variables]\nh = { default = "a b" }\n[[trigger.http]]')
    chain = failure(write_app(tmp_path, f'{app}allowed_outbound_hosts = ["{host}"]\n'))
    assert chain[3].startswith(f'using default variable value(s) with template "{host}" results in invalid config "')
    assert len(chain) > 4


def test_a_default_that_makes_a_valid_outbound_host_passes(tmp_path: Path) -> None:
    variables = '[variables]\nh = { default = "a" }\nr = { required = true }\n[[trigger.http]]'
    app = HELLO.replace("[[trigger.http]]", variables)
    image_of(write_app(tmp_path, f'{app}allowed_outbound_hosts = ["http://{{{{ h }}}}", "{{{{ r }}}}"]\n'))


def test_numbers_and_times_of_a_trigger_are_written_as_serde_json_writes_them(tmp_path: Path) -> None:
    values = {
        "1e30": "1e30",
        "1.5e16": "1.5e16",
        "1e15": "1000000000000000.0",
        "12.50": "12.5",
        "-0.00001": "-0.00001",
        "1e-6": "1e-6",
        "0.0": "0.0",
        "-0.0": "-0.0",
        "inf": "null",
        "nan": "null",
        "7": "7",
        "2020-01-02T03:04:05Z": '"2020-01-02T03:04:05Z"',
        "2020-01-02 03:04:05.120+09:00": '"2020-01-02T03:04:05.12+09:00"',
        "2020-01-02T03:04:05": '"2020-01-02T03:04:05"',
        "2020-01-02": '"2020-01-02"',
        "03:04:05.5": '"03:04:05.5"',
    }
    lines = "".join(f"k{number:02} = {value}\n" for number, value in enumerate(values))
    image = image_of(write_app(tmp_path, HELLO.replace('route = "/..."\n', f'route = "/..."\n{lines}')))
    written = ",".join(f'"k{number:02}":{value}' for number, value in enumerate(values.values()))
    assert written in image.layers[-1].content.decode()


def test_dependencies_are_refused(tmp_path: Path) -> None:
    chain = failure(write_app(tmp_path, HELLO + 'dependencies = { "a:b/c" = { path = "c.wasm" } }\n'))
    assert "need composition" in chain[-1]


@pytest.mark.parametrize("variable", ["{}", '{ required = true, default = "x" }'])
def test_a_variable_is_required_or_has_a_default(tmp_path: Path, variable: str) -> None:
    chain = failure(write_app(tmp_path, f"{HELLO}\n[variables]\nx = {variable}\n"))
    assert chain[-1] == "must be `required` OR have a `default`"
