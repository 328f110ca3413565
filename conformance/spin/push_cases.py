"""Apps that are pushed by both sides."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

COMPONENT: Final = bytes.fromhex("0061736d0d000100007e03706164") + bytes(122)
"""A component that holds nothing but a custom section."""
_CORE_MODULE: Final = bytes.fromhex("0061736d01000000")
_STRICTER: Final = "refused here: stricter"
_TREE: Final = {
    "a.txt": b"a",
    "d/b.txt": b"b",
    "d/e/c.txt": b"c",
    "d/.hidden": b"h",
    "inline": b"x" * 128,
    "layer": b"x" * 129,
    "empty": b"",
}
_TAKEN_HOSTS: Final = (
    "https://example.com",
    "https://example.com/",
    "http://Example.COM:8080",
    "*://*:*",
    "http://self",
    "http://x:1..9",
    "http://*.example.com",
    "redis://r",
    "mysql://10.0.0.0/8:3306",
    "http://[::1]:80",
    "http://1.2.3",
    "://x:80",
    "http://%61.b",
    "http://other.spin.internal",
    "http://*.spin.internal",
    "https://{{ word }}",
    "{{ required }}",
)
_REFUSED_HOSTS: Final = (
    "",
    "*",
    "example.com",
    "http://",
    "http://:80",
    "http://x/y",
    "http://x:80/y",
    "http://user@x",
    "http://x?y",
    "http://x:80:90",
    "http://a b",
    "http://}}x{{",
    "http://{{ word",
    "ht2p://x:1",
    "amqp://x",
    "http://x:port",
    "http://x:65536",
    "http://x:1..65536",
    "http://a.*.com",
    "http://*.*.com",
    "http://{a,b}",
    "http://[::1]",
    "http://1.2.3.999",
    "http://10.0.0.0/255.0.0.0",
    "insecure:allow-all",
    "{{ word }}",
    "http://x:{{ word }}",
    "http://{{ word }}/path",
)


@dataclass(frozen=True)
class PushCase:
    """An app: its spin.toml and what lies beside it, and why the sides may differ."""

    name: str
    manifest: str
    files: Mapping[str, bytes] = field(default_factory=lambda: _TREE)
    wasm: bytes | None = COMPONENT
    links: Mapping[str, str] = field(default_factory=dict)
    known: str | None = None


def manifest(component: str = "", *, application: str = "", more: str = "", trigger: str = "") -> str:
    """Write a spin.toml of one component with more lines in its tables."""
    return (
        f'spin_manifest_version = 2\n[application]\nname = "probe"\n{application}\n'
        '[variables]\nword = { default = "word" }\nrequired = { required = true, secret = true, description = "d" }\n'
        f'[[trigger.http]]\nroute = "/..."\ncomponent = "probe"\n{trigger}\n'
        f'[component.probe]\nsource = "app.wasm"\n{component}\n{more}\n'
    )


def _trigger(rest: str) -> str:
    return f'[[trigger.http]]\nroute = "/more"\n{rest}'


def cases() -> Iterator[PushCase]:
    """Every case."""
    for name, text in _MANIFESTS.items():
        yield PushCase(name, text)
    for host in (*_TAKEN_HOSTS, *_REFUSED_HOSTS):
        yield PushCase(f"host {host}", manifest(f"allowed_outbound_hosts = ['{host}']"))
    for files in _FILES:
        yield PushCase(f"files {files}", manifest(f"files = {files}"))
    for name, files in _EXCLUDES.items():
        yield PushCase(f"exclude {name}", manifest(files))
    many = {f"many/{number}": f"{number} ".encode() * 100 for number in range(510)}
    yield PushCase("archive", manifest('files = ["many/*"]'), many)
    yield PushCase("no source", manifest(), wasm=None)
    yield PushCase("no WebAssembly", manifest(), wasm=b"text")
    yield PushCase("core module", manifest(), wasm=_CORE_MODULE, known=_STRICTER)
    for pattern in ("link/*", "link/**/*", "link", "**/*"):
        name = f"link to a folder, {pattern}"
        yield PushCase(name, manifest(f'files = ["{pattern}"]'), links={"link": "d"}, known=_STRICTER)
    yield PushCase("link to a file", manifest('files = ["link"]'), links={"link": "a.txt"})
    yield PushCase("outbound HTTP hosts of old", manifest('allowed_http_hosts = ["x.com"]'), known=_STRICTER)


_MANIFESTS: Final = {
    "plain": manifest(),
    "application in full": manifest(
        application='version = "1.2.3"\ndescription = "ein \\"Beispiel\\" für 함수 \\\\"\nauthors = ["A <a@x>", "B"]'
    ),
    "description of two lines": manifest(application='description = """a\nb"""'),
    "application with an unknown field": manifest(application="unknown = 1"),
    "tool tables": manifest(more='[component.probe.tool.x]\na = 1\n[application.tool.y]\nb = "c"'),
    "variables": manifest('variables = { a = "{{ word }}", b_c = "x{{required}}" }'),
    "undeclared variable": manifest('variables = { a = "{{ nosuch }}" }'),
    "variable with a wrong name": manifest('variables = { A = "x" }'),
    "variable that is required and has a default": manifest().replace(
        "required = true", 'required = true, default = "x"'
    ),
    "environment": manifest('environment = { B = "2", A = "1" }'),
    "stores": manifest('key_value_stores = ["default", "my-store", "my_store"]\nsqlite_databases = ["default"]'),
    "store with a wrong label": manifest('key_value_stores = ["My Store"]'),
    "models": manifest('ai_models = ["llama2-chat"]'),
    "build": manifest('build = { command = ["a", "b"], workdir = "d", watch = ["*.py"] }'),
    "build of one command": manifest('build = { command = "a" }'),
    "unknown field": manifest("unknown = 1"),
    "wrong type": manifest("description = 1"),
    "component with a wrong id": manifest().replace("component.probe", "component.Pro_be"),
    "source from the network without a digest": manifest().replace('"app.wasm"', '{ url = "https://x" }'),
    "inline component": manifest(
        more='[[trigger.http]]\nid = "in"\nroute = "/in"\ncomponent = { source = "app.wasm" }'
    ),
    "static response": manifest(
        more='[[trigger.http]]\nroute = "/s"\nstatic_response = { status_code = 302, body = "x" }'
    ),
    "static response of a wrong type": manifest(more='[[trigger.http]]\nroute = "/s"\nstatic_response = { body = 5 }'),
    "private route": manifest(more='[[trigger.http]]\nroute = { private = true }\ncomponent = "probe"'),
    "unknown field of a trigger": manifest(trigger="timeout = 5"),
    "executor as text": manifest(trigger='executor = "http"'),
    "numbers and times of a trigger": manifest(
        trigger="a = 1e30\nb = 1e15\nc = 0.00001\nd = 1e-6\ne = inf\nf = 12.50\ng = 1.5e16\nh = -0.0\n"
        "i = 2020-01-02T03:04:05Z\nj = 2020-01-02T03:04:05.120+09:00\nk = 2020-01-02\nl = 03:04:05.5\nm = 7"
    ),
    "two kinds of triggers": manifest(more='[[trigger.redis]]\nchannel = "c"\ncomponent = "probe"'),
    "triggers without ids": manifest(more='[[trigger.http]]\nroute = "/2"\ncomponent = "probe"'),
    "trigger of a component that is not there": manifest(more='[[trigger.http]]\nroute = "/2"\ncomponent = "other"'),
    "two components of one source": manifest(more='[component.other]\nsource = "app.wasm"\ndescription = "o"'),
    "no trigger": 'spin_manifest_version = 2\n[application]\nname = "x"\n[component.a]\nsource = "app.wasm"\n',
    "no name": manifest().replace('name = "probe"', ""),
    "another version": manifest().replace("spin_manifest_version = 2", "spin_manifest_version = 3"),
    "no TOML": "spin_manifest_version = ",
}
_FILES: Final = (
    '["a.txt"]',
    '["./a.txt"]',
    '["d"]',
    '["d/"]',
    '["./d"]',
    '["d/e"]',
    '["*"]',
    '["**/*"]',
    '["d/*"]',
    '["d/**/*"]',
    '["d/**"]',
    '["**/c.txt"]',
    '["[a-d].txt"]',
    '["?.txt"]',
    '["d/.*"]',
    '["nope/*"]',
    '["nope.txt"]',
    '[".."]',
    '["d/."]',
    '["a**"]',
    '["inline", "layer", "empty"]',
    "[1]",
    '"a.txt"',
    '[{ source = "d", destination = "/" }]',
    '[{ source = "d", destination = "/x/y/" }]',
    '[{ source = "a.txt", destination = "/x/b.txt" }]',
    '[{ source = "a.txt", destination = "/" }]',
    '[{ source = "nope", destination = "/" }]',
    '["a.txt", { source = "d/b.txt", destination = "a.txt" }]',
)
_EXCLUDES: Final = {
    "a pattern": 'files = ["**/*"]\nexclude_files = ["**/*.txt"]',
    "a folder": 'files = [{ source = "d", destination = "/" }]\nexclude_files = ["d/e/*"]',
    "a file by name": 'files = ["a.txt"]\nexclude_files = ["a.txt"]',
    "a wrong pattern": 'files = ["*"]\nexclude_files = ["a**"]',
}
