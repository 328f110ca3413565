"""Where settings come from: options, then ``BLUE_*`` variables, then ``blue.toml``, then a context of the user.

``blue.toml`` comes with a project, which may be a stranger's: it chooses among the user's contexts, and never says
where credentials are sent.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from blue_faas_cli.problems import usage

Authorizer = Literal["iam", "jwt", "none"]
LOCAL_URL: Final = "http://127.0.0.1:8000"
"""What `make local` and ``blue up`` serve."""
PROJECT_FILE: Final = "blue.toml"

_PROJECT_KEYS: Final = frozenset({"app_name", "context", "deploy", "namespace", "source", "workspace_id"})
_ISSUER_KEYS: Final = ("issuer", "client_id", "scope", "audience")
_CONTEXT_KEYS: Final = frozenset({"url", "authorizer", "profile", "region", "workspace_id", "namespace", *_ISSUER_KEYS})
_LOOPBACK: Final = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?")
_EXECUTE_API: Final = re.compile(r"https://[^/]+\.execute-api\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?(/.*)?")


@dataclass(frozen=True)
class Project:
    """The content of a ``blue.toml``, and the folder that it is in."""

    folder: Path
    app_name: str | None = None
    source: str | None = None
    deploy: dict[str, Any] = field(default_factory=dict)
    """Options of a deploy, as `functions.models.deploy.DeployOptions` names them."""
    settings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """Which API is called, as whom, and for which workspace and namespace."""

    url: str
    authorizer: Authorizer
    workspace_id: str
    namespace: str
    profile: str | None
    region: str | None
    context: str | None
    token: str | None = field(default=None, repr=False)
    """From ``BLUE_TOKEN``."""
    issuer: str | None = None
    client_id: str | None = None
    """What `blue` is at the issuer."""
    scope: str | None = None
    audience: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether the API is on this machine."""
        return _LOOPBACK.fullmatch(self.url) is not None


def config_file() -> Path:
    """Return the path of the file with the user's contexts."""
    import platformdirs

    given = os.environ.get("BLUE_CONFIG")
    return Path(given) if given else platformdirs.user_config_path("blue-faas", appauthor=False) / "config.toml"


def read_contexts(path: Path) -> tuple[str | None, dict[str, dict[str, str]]]:
    """Return the name of the current context, and all contexts by name.

    Raises
    ------
    BlueError
        The file is no TOML, or has keys or values that mean nothing.
    """
    content = _toml(path)
    contexts = content.get("contexts", {})
    if set(content) - {"current", "contexts"} or not isinstance(contexts, dict):
        raise usage(f"{path}: only `current` and `[contexts.NAME]` may stand here")
    for name, context in contexts.items():
        _check_texts(context, _CONTEXT_KEYS, f"{path}: [contexts.{name}]")
    return content.get("current"), contexts


def read_project(start: Path) -> Project:
    """Return the project that ``start`` is in: the nearest ``blue.toml`` upwards; an empty one without it.

    Raises
    ------
    BlueError
        The file is no TOML, or has keys or values that mean nothing.
    """
    folder = start.resolve()
    for candidate in (folder, *folder.parents):
        path = candidate / PROJECT_FILE
        if path.is_file():
            content = _toml(path)
            deploy = content.pop("deploy", {})
            if not isinstance(deploy, dict):
                raise usage(f"{path}: deploy is a table: [deploy]")
            _check_texts(content, _PROJECT_KEYS, str(path))
            app_name, source = content.pop("app_name", None), content.pop("source", None)
            return Project(candidate, app_name, source, deploy, content)
    return Project(folder)


def resolve(
    flags: Mapping[str, str | None], environment: Mapping[str, str], project: Project, path: Path | None = None
) -> Settings:
    """Return the settings; each comes from the first place that has it.

    Raises
    ------
    BlueError
        A context does not exist, or a value cannot be.
    """
    variables = {name.removeprefix("BLUE_").lower(): value for name, value in environment.items() if value}
    variables["workspace_id"] = variables.get("workspace", variables.get("workspace_id", ""))
    places: list[Mapping[str, str | None]] = [flags, variables, project.settings]
    context, its_settings = _context(places, path)
    places.append(its_settings)
    url = (_first("url", places) or LOCAL_URL).rstrip("/")
    token = variables.get("token") or None
    issuer = {name: _first(name, places) for name in _ISSUER_KEYS}
    authorizer = _authorizer(_first("authorizer", places), url, has_issuer=bool(token or issuer["issuer"]))
    if authorizer != "none" and not (url.startswith("https://") or _LOOPBACK.fullmatch(url)):
        raise usage(f"{url} is not encrypted: credentials are sent to https:// or to this machine only")
    match = _EXECUTE_API.fullmatch(url)
    return Settings(
        url=url,
        authorizer=authorizer,
        workspace_id=_first("workspace_id", places) or "default",
        namespace=_first("namespace", places) or "default",
        profile=_first("profile", places),
        region=_first("region", places) or (match["region"] if match else None),
        context=context,
        token=token,
        **issuer,
    )


def _context(places: list[Mapping[str, str | None]], path: Path | None) -> tuple[str | None, dict[str, str]]:
    """Return the context that counts, by its name and content; an address of its own leaves the current one aside."""
    wanted = _first("context", places)
    if wanted is None and _first("url", places):
        return None, {}
    path = path or config_file()
    current, contexts = read_contexts(path)
    name = wanted or current
    if name is None:
        return None, {}
    if name not in contexts:
        raise usage(f"No context is named {name!r} in {path}. `blue login {name} --url URL` makes it.")
    return name, contexts[name]


def _authorizer(given: str | None, url: str, *, has_issuer: bool) -> Authorizer:
    if given is None:
        return "jwt" if has_issuer else "none" if _LOOPBACK.fullmatch(url) else "iam"
    if given not in ("iam", "jwt", "none"):
        raise usage(f"The authorizer is iam, jwt or none, not {given!r}")
    return given  # type: ignore[return-value]  # one of the three


def _first(name: str, places: list[Mapping[str, str | None]]) -> str | None:
    return next((str(place[name]) for place in places if place.get(name)), None)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise usage(f"{path}: {error}") from None


def _check_texts(table: Any, known: frozenset[str], where: str) -> None:
    if not isinstance(table, dict):
        raise usage(f"{where} is not a table")
    for name, value in table.items():
        if name not in known:
            raise usage(f"{where}: {name!r} is not a setting; there are {', '.join(sorted(known))}")
        if not isinstance(value, str):
            raise usage(f"{where}: {name} is a text in quotes")
