"""What Spin refuses at the push or at the app's start is refused here, with its reason, and nothing else is."""

import contextlib
from pathlib import Path

import pytest
from builder.errors import BuildError
from builder.source.http_trigger import TriggerError, check
from builder.source.manifest import Manifest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.builder.harness import manifest

VARIABLES = '[variables]\ngreeting = { default = "hi" }\ntoken = { required = true }\n'


def _read(tmp_path: Path, text: str) -> Manifest:
    (tmp_path / "spin.toml").write_text(text, "utf-8")
    return Manifest.read(tmp_path, 20)


def _refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(BuildError) as refused:
        _read(tmp_path, text)
    return str(refused.value)


def _with_variables(text: str) -> str:
    return text.replace("[[trigger.http]]", f"{VARIABLES}[[trigger.http]]", 1)


@pytest.mark.parametrize(
    ("component", "reason"),
    [
        ({"variables": '{ a = "{{ nosuch }}" }'}, 'invalid variable template: unknown variable "nosuch"'),
        ({"variables": '{ a = "{{ greeting" }'}, "invalid variable template: unmatched '{{' in template"),
        ({"variables": '{ a = "{{ greeting }}{{" }'}, "invalid variable template: unmatched '{{' in template"),
        ({"key_value_stores": '["default", "cache"]'}, 'unknown key_value_stores label "cache" for component "app"'),
        ({"sqlite_databases": '["other"]'}, "One or more components use SQLite databases which are not defined"),
        ({"allowed_outbound_hosts": '["http://user@x"]'}, 'Invalid allowed host "user@x": invalid domain character'),
        ({"allowed_outbound_hosts": '["http://x", "x"]'}, "does not contain a scheme"),
        ({"allowed_outbound_hosts": '["{{ greeting }}"]'}, 'results in invalid config "hi"'),
        ({"allowed_outbound_hosts": '["http://}}x{{"]'}, "unmatched '{{' in template"),
        ({"allowed_outbound_hosts": '["http://{{ nosuch }}"]'}, 'unknown variable "nosuch"'),
    ],
)
def test_components(tmp_path: Path, component: dict[str, str], reason: str) -> None:
    refusal = _refusal(tmp_path, _with_variables(manifest(**component)))
    assert refusal.startswith("spin.toml: component app: ")
    assert reason in refusal


@pytest.mark.parametrize(
    "component",
    [
        {"variables": '{ a = "{{ greeting }} {{token}} }} {" }'},
        {"key_value_stores": '["default"]', "sqlite_databases": '["default"]'},
        {"allowed_outbound_hosts": '["http://{{ greeting }}", "https://{{ token }}", "*://*:*"]'},
        {"ai_models": '["llama2-chat"]'},
    ],
)
def test_components_that_pass(tmp_path: Path, component: dict[str, str]) -> None:
    assert _read(tmp_path, _with_variables(manifest(**component))).components


def test_a_component_inside_a_trigger_is_checked_too(tmp_path: Path) -> None:
    text = manifest().replace('component = "app"', 'component = { source = "a.wasm", key_value_stores = ["x"] }', 1)
    assert 'unknown key_value_stores label "x"' in _refusal(tmp_path, text)


def test_stores_that_a_runtime_configuration_provides(tmp_path: Path) -> None:
    declared = (
        '[application.tool.blue-faas.runtime_config]\nkey_value_stores = ["cache"]\nsqlite_databases = ["other"]\n'
    )
    used = manifest(key_value_stores='["default", "cache"]', sqlite_databases='["other"]')
    assert _read(tmp_path, used.replace("[[trigger", f"{declared}[[trigger", 1)).components
    refusal = _refusal(tmp_path, used)
    assert "deployed with runtime_config" in refusal
    assert '[application.tool.blue-faas.runtime_config] with key_value_stores = ["cache"]' in refusal


@pytest.mark.parametrize("wrong", ["1", "{ stores = [] }", '{ key_value_stores = "x" }', "{ sqlite_databases = [1] }"])
def test_a_declaration_of_another_form_is_refused(tmp_path: Path, wrong: str) -> None:
    tool = f"[application.tool.blue-faas]\nruntime_config = {wrong}\n"
    text = manifest().replace("[[trigger", f"{tool}[[trigger", 1)
    assert "application.tool.blue-faas.runtime_config" in _refusal(tmp_path, text)


@pytest.mark.parametrize(
    ("trigger", "reason"),
    [
        ('route = "/"\ntimeout = 5\ncomponent = "app"', "unknown field `timeout`, expected one of `component`"),
        ('rout = "/"\ncomponent = "app"', "unknown field `rout`"),
        ('component = "app"', "missing field `route`"),
        ('route = 1\ncomponent = "app"', "untagged enum HttpTriggerRouteConfig"),
        ('route = { private = false }\ncomponent = "app"', "route must be a string pattern"),
        ('route = "/.../a"\ncomponent = "app"', "may only stand at the end"),
        ('route = "/:"\ncomponent = "app"', "must be followed by a name"),
        (
            'route = "/"\nexecutor = "http"\ncomponent = "app"',
            'invalid type: string "http", expected internally tagged enum',
        ),
        ('route = "/"\nexecutor = { type = "grpc" }\ncomponent = "app"', "unknown variant `grpc`"),
        ('route = "/"\nexecutor = {}\ncomponent = "app"', "missing field `type`"),
        ('route = "/"\nexecutor = { type = "http", a = "b" }\ncomponent = "app"', "unknown field `a`"),
        ('route = "/"\nstatic_response = { body = 5 }', "invalid type: integer `5`, expected a string"),
        ('route = "/"\nstatic_response = { status_code = "200" }', 'invalid type: string "200", expected u16'),
        ('route = "/"\nstatic_response = { status_code = 99999 }', "invalid value: integer `99999`, expected u16"),
        ('route = "/"\nstatic_response = { status_code = 1 }', "no HTTP status"),
        ('route = "/"\nstatic_response = { headers = { a = 1 } }', "invalid type: integer `1`"),
        ('route = "/"\nstatic_response = "hi"', "expected struct StaticResponse"),
        ('route = "/"', "has neither"),
        ('route = "/"\ncomponent = "app"\nstatic_response = {}', "has both"),
        ('route = "/"\ncomponent = "other"', "there is no component 'other'"),
    ],
)
def test_http_triggers(tmp_path: Path, trigger: str, reason: str) -> None:
    refusal = _refusal(tmp_path, f"{manifest()}[[trigger.http]]\n{trigger}\n")
    assert refusal.startswith("spin.toml: trigger.http number 2: ")
    assert reason in refusal


@pytest.mark.parametrize(
    "trigger",
    [
        'route = "/:id.json/..."\ncomponent = "app"\nid = "named"',
        'route = { private = true }\ncomponent = "app"',
        'route = ""\ncomponent = "app"\nexecutor = { type = "spin" }',
        'route = "/w"\ncomponent = "app"\nexecutor = { type = "wagi", argv = "x" }',
        'route = "/s"\nstatic_response = { status_code = 302, headers = { location = "/" }, unknown = 1 }',
    ],
)
def test_http_triggers_that_pass(tmp_path: Path, trigger: str) -> None:
    assert _read(tmp_path, f"{manifest()}[[trigger.http]]\n{trigger}\n").components


def test_redis_triggers_have_known_fields(tmp_path: Path) -> None:
    text = manifest() + '[[trigger.redis]]\nchannel = "c"\ncomponent = "app"\n'
    assert _read(tmp_path, text).components
    assert "unknown field `chanel`" in _refusal(tmp_path, text.replace("channel", "chanel"))


@pytest.mark.parametrize("field", ['description = """two\nlines"""', 'description = "a\\tb"', 'authors = ["a\\u0001"]'])
def test_control_characters_that_the_registry_would_refuse(tmp_path: Path, field: str) -> None:
    refusal = _refusal(tmp_path, manifest().replace('version = "0.1.0"', field))
    assert "MANIFEST_INVALID" in refusal
    assert field.split()[0] in refusal


def test_a_description_in_any_language_passes(tmp_path: Path) -> None:
    text = manifest().replace('version = "0.1.0"', 'description = "\uc548\ub155 \\"x\\" \\\\"')
    assert _read(tmp_path, text).components


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=2)
)


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(st.sampled_from(["route", "component", "executor", "static_response", "x"]), VALUES))
def test_any_trigger_is_taken_or_refused_in_words(config: dict[str, object]) -> None:
    with contextlib.suppress(TriggerError):
        check("t", config)
