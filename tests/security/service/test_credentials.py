"""A registry password that was sent to the API: nowhere to be found, while it is in use and afterwards."""

import base64
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.security.service import stores
from tests.security.service.stores import Piece
from tests.support.background import repeatedly
from tests.support.client import COMPONENT, Client, spin_toml, zipped

WORKSPACE = "secret-keepers"
LOGIN_FILE = "/home/fermyon/registry-auth.json"
"""Where `spin registry login` keeps a login: in a home that the builder makes for the push, and closes to others."""


@dataclass
class Sent:
    """A password that was sent, and what became of its task."""

    password: str
    username: str = "AWS"
    task: dict[str, Any] = field(default_factory=dict)


def own_password(cloud: Client) -> str:
    """A password of the registry that nothing else uses: the run's own lies in a file for whoever started it."""
    token = cloud.aws("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    return base64.b64decode(token).decode().partition(":")[2]


@pytest.fixture(scope="module")
def sent(cloud: Client) -> dict[str, Sent]:
    """Builds with a password that end in each way there is, watched while they run."""
    host = cloud.repository.partition("/")[0]
    awkward = f"p@ss/w:rd +%&\"'{secrets.token_hex(12)}\\ü"
    passwords = {
        "done": Sent(own_password(cloud)),
        "login refused": Sent(f"wrong-{secrets.token_hex(16)}"),
        "awkward characters": Sent(awkward, username="a user:name"),
        "push refused": Sent(own_password(cloud)),
        "build fails": Sent(f"unused-{secrets.token_hex(16)}"),
        "type check fails": Sent(f"unused-{secrets.token_hex(16)}"),
        "cancelled": Sent(f"unused-{secrets.token_hex(16)}"),
    }
    sources = {
        "build fails": {"spin.toml": spin_toml("env; cat /proc/*/environ; sleep 2; exit 1")},
        "type check fails": {"spin.toml": spin_toml("sleep 1"), "app.py": b"x: int = ''\n"},
        "cancelled": {"spin.toml": spin_toml("sleep 1000")},
    }
    watch = Watch([each.password for each in passwords.values()])
    with repeatedly(watch.look):
        for name, each in passwords.items():
            files = {"spin.toml": spin_toml("sleep 1"), "app.wasm": COMPONENT, "name": name.encode()} | sources.get(
                name, {}
            )
            task_id = cloud.start(
                "app.zip",
                zipped(**files),
                workspace_id=WORKSPACE,
                registry_url=f"{host}/missing" if name == "push refused" else cloud.repository,
                username=each.username,
                password=each.password,
            )
            each.task["task_id"] = task_id
        cancelled = passwords["cancelled"].task["task_id"]
        while cloud.task(cancelled, WORKSPACE)["status"] == "pending":
            time.sleep(0.1)
        # While some run and others wait: the passwords are somewhere, sealed. To search takes longer than a build may.
        pieces = list(stores.everything(cloud))
        assert cloud.http.delete(f"/api/v1/tasks/{cancelled}", params={"workspace_id": WORKSPACE}).status_code == 200
        for each in passwords.values():
            each.task = cloud.wait(each.task["task_id"], WORKSPACE)
    during = search(pieces, [each.password for each in passwords.values()])
    assert {name for names in during.values() for name in names if not name.endswith(LOGIN_FILE)} == set()
    assert watch.found == set()
    assert watch.rounds > 10
    return passwords


@pytest.fixture(scope="module")
def stored(cloud: Client, sent: dict[str, Sent]) -> list[Piece]:
    """All that there is when all is over (for ``sent``)."""
    return list(stores.everything(cloud))


@pytest.fixture(scope="module")
def found(stored: list[Piece], sent: dict[str, Sent]) -> dict[str, list[str]]:
    """Where each password, and the workspace's name, are found when all is over."""
    return search(stored, [*(each.password for each in sent.values()), WORKSPACE])


def search(pieces: Iterable[Piece], secrets: list[str]) -> dict[str, list[str]]:
    """For each secret the names of the pieces that have it in them, in whatever form."""
    looks = {secret: stores.forms(secret) for secret in secrets}
    found: dict[str, list[str]] = {secret: [] for secret in secrets}
    for name, content in pieces:
        for secret, forms in looks.items():
            if any(form in content for form in forms):
                found[secret].append(name)
    return found


class Watch:
    """What every process of the machine shows to others: `look` at it often."""

    def __init__(self, passwords: list[str]) -> None:
        self.found: set[str] = set()
        self.rounds = 0
        self._passwords = passwords

    def look(self) -> None:
        looks: list[Callable[[], Iterator[Piece]]] = [stores.command_lines]
        if os.geteuid() == 0:
            looks.append(stores.environments_of_others)
        pieces = [piece for look in looks for piece in look()]
        for names in search(pieces, self._passwords).values():
            self.found.update(names)
        self.rounds += 1


def test_the_search_finds_what_is_there(stored: list[Piece], found: dict[str, list[str]]) -> None:
    """Each store is really looked into: the name of the workspace is in all of them that know of tasks."""
    places = {name.split()[0] for name in found[WORKSPACE]}
    assert places >= {"object", "row", "execution", "history", "CodeBuild", "log"}
    for before in range(4):
        encoded = base64.b64encode(b"u" * before + b":s3cret/value")
        assert any(form in encoded for form in stores.forms("s3cret/value"))
    names = {name.split()[0] for name, _ in stored}
    assert names >= {"object", "row", "execution", "history", "CodeBuild", "log", "manifest", "blob", "file", "answer"}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("done", "done"),
        ("login refused", "failed"),
        ("awkward characters", "failed"),
        ("push refused", "failed"),
        ("build fails", "failed"),
        ("type check fails", "failed"),
        ("cancelled", "failed"),
    ],
)
def test_the_password_is_nowhere(found: dict[str, list[str]], sent: dict[str, Sent], name: str, status: str) -> None:
    assert sent[name].task["status"] == status, sent[name].task["error"]
    assert found[sent[name].password] == []


def test_the_sealed_passwords_are_gone_with_the_task(cloud: Client, sent: dict[str, Sent]) -> None:
    tasks = {each.task["task_id"] for each in sent.values()}
    rows = [row for row in cloud.rows() if row["task_id"]["S"] in tasks]
    assert len(rows) == len(tasks)
    assert not [row for row in rows if "registry_credentials" in row]


def test_requests_that_are_refused_do_not_repeat_the_password(cloud: Client) -> None:
    password = f"refused-{secrets.token_hex(16)}"
    good = {"username": "AWS", "password": password, "registry_url": cloud.repository}
    source = zipped(**{"spin.toml": spin_toml(None), "app.wasm": COMPONENT})
    problems: list[tuple[bytes, dict[str, str]]] = [
        (b"", good),
        (source, {**good, "password": password * 300}),
        (source, {**good, "registry_url": "registry.example.com/anything"}),
        (source, {name: value for name, value in good.items() if name != "username"}),
        (source, {**good, "unknown": password}),
    ]
    for content, fields in problems:
        answer = cloud.upload("app.zip", content, workspace_id=WORKSPACE, **fields)
        assert 400 <= answer.status_code < 500, answer.text
        assert password not in answer.text
    assert search(stores.everything(cloud), [password]) == {password: []}
