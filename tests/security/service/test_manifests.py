"""spin.toml made to do harm, or just wrong: each says what is wrong with it and where."""

import re

import pytest

from tests.support.client import COMPONENT, Client, spin_toml, zipped

WORKSPACE = "hostile-manifests"
_HEAD = 'spin_manifest_version = 2\n[application]\nname = "app"\n'
_TRIGGER = '[[trigger.http]]\nroute = "/..."\ncomponent = "app"\n'


def _component(more: str = "", name: str = "app", source: str = '"app.wasm"') -> str:
    return f"[component.{name}]\nsource = {source}\n{more}\n"


def _app(more: str = "", source: str = '"app.wasm"') -> str:
    return _HEAD + _TRIGGER + _component(more, source=source)


def _built(command: str, more: str = "") -> str:
    return _app(f'{more}\n[component.app.build]\ncommand = """{command}"""')


REFUSED: dict[str, tuple[str, str]] = {
    "source outside": (_app(source='"../../etc/passwd"'), "component app: source: .* inside the app's folder"),
    "source becomes a link": (_built("rm app.wasm; ln -s /etc/passwd app.wasm"), "symbolic link"),
    "source behind a link": (
        _app('\n[component.app.build]\ncommand = "ln -s /etc etc"', source='"etc/passwd"'),
        "symbolic link",
    ),
    "source becomes a FIFO": (_built("rm app.wasm; mkfifo app.wasm"), "symbolic link or a special file|not a regular"),
    "files become a link": (_built("rm -r a; ln -s /etc a", 'files = ["a"]'), "symbolic link"),
    "nested without end": ("a = " + "[" * 100_000, "nested too deeply|not valid TOML"),
}
"""What a build makes of itself, and one of each kind that is refused before (tests/unit/builder has them all)."""
_FILES = {"app.wasm": COMPONENT, "a/text": b"text"}


@pytest.fixture(scope="module")
def errors(cloud: Client) -> dict[str, str]:
    """All sent at once."""
    tasks = {
        name: cloud.start(
            "app.zip",
            zipped(**_FILES, **{"spin.toml": text.encode("utf-8", "surrogateescape")}),
            workspace_id=WORKSPACE,
        )
        for name, (text, _) in REFUSED.items()
    }
    ended = {name: cloud.wait(task_id, WORKSPACE) for name, task_id in tasks.items()}
    assert {name: task["status"] for name, task in ended.items()} == dict.fromkeys(REFUSED, "failed")
    return {name: task["error"] for name, task in ended.items()}


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_and_told_why(errors: dict[str, str], name: str) -> None:
    assert re.search(REFUSED[name][1], errors[name]), errors[name]
    assert "root:" not in errors[name]


def test_several_components_are_one_image(cloud: Client) -> None:
    manifest = spin_toml(None).decode() + _component(name="other", source='"other.wasm"')
    manifest += '[[trigger.http]]\nroute = "/other"\ncomponent = "other"\n'
    files = {"spin.toml": manifest.encode(), "app.wasm": COMPONENT, "other.wasm": COMPONENT}
    task = cloud.wait(cloud.start("app.zip", zipped(**files), workspace_id=WORKSPACE), WORKSPACE)
    assert task["status"] == "done", task["error"]


def test_what_the_build_makes_of_its_manifest_is_not_what_is_pushed(cloud: Client) -> None:
    """The manifest that was checked is the one that is pushed."""
    command = "sed -i s,app.wasm,/etc/passwd, spin.toml; ln -sf /etc/passwd ../app/spin.toml"
    source = zipped(**{"spin.toml": spin_toml(command), "app.wasm": COMPONENT})
    task_id = cloud.start("app.zip", source, workspace_id=WORKSPACE)
    task = cloud.wait(task_id, WORKSPACE)
    assert task["status"] == "done", task["error"]
    assert cloud.object_of(task["result"]["wasm_path"]) == COMPONENT
