"""What the key of an object below ``uploads/`` says: which source of which app of which workspace, or what is wrong.

Whoever drops a file has no answer to read: a key that cannot be built has to become something that is seen. Where it
names a workspace that is a failed task of the workspace, otherwise an event on the stack's bus.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

from pydantic import TypeAdapter, ValidationError

from functions.contracts.names import MAX_NAME, SourceAppName, WorkspaceId, check_file_name
from functions.tasks.name_suggestion import suggested, unusable_characters

DROPS: Final = "uploads/"
_FORM: Final = "uploads/{workspace_id}/{app_name}/{file}"
_LONGEST_SHOWN: Final = 100
_NAMES: Final = (
    f"use 1 to {MAX_NAME} of the letters A-Z and a-z, digits, '-', '_' and '.', "
    "beginning and ending with a letter or digit"
)
_workspace_id = TypeAdapter[str](WorkspaceId)
_app_name = TypeAdapter[str](SourceAppName)


@dataclass(frozen=True, slots=True)
class Drop:
    """A source that can be built."""

    key: str
    workspace_id: str
    app_name: str
    file_name: str


class UnusableDropError(Exception):
    """The key names nothing that can be built; the text is for whoever dropped it."""

    def __init__(self, key: str, workspace_id: str | None, reason: str) -> None:
        super().__init__(f"'{_shown(key)}' is not built: {reason}. Put the file at {_FORM}.")
        self.key = key
        self.workspace_id = workspace_id
        """None when the key does not tell."""

    @property
    def file_name(self) -> str:
        """Return the last part of the key, as far as it can be shown."""
        return _shown(self.key.rpartition("/")[2])


def is_folder(key: str) -> bool:
    """Return whether the object is the marker that consoles make for a folder: nobody dropped a file."""
    return key.endswith("/")


def parse(key: str) -> Drop:
    """Return what a key below `DROPS` names.

    EventBridge has keys as they are, other ways of S3 events have them URL-encoded: an encoded key counts if it is
    usable once it is decoded.

    Raises
    ------
    UnusableDropError
        It names nothing that can be built.
    """
    try:
        return _parse(key)
    except UnusableDropError as error:
        try:
            return _parse(unquote_plus(key))
        except UnusableDropError:
            raise error from None


def _parse(key: str) -> Drop:
    if not key.startswith(DROPS):
        raise UnusableDropError(key, None, f"it does not lie under {DROPS}")
    workspace_id, *rest = key.removeprefix(DROPS).split("/")
    if not rest:
        raise UnusableDropError(key, None, "it lies in no workspace's folder")
    if not _is(_workspace_id, workspace_id):
        raise UnusableDropError(key, None, f"'{_shown(workspace_id)}' is no workspace id{_about(workspace_id)}")
    if len(rest) == 1:
        raise UnusableDropError(key, workspace_id, "it lies in no app's folder")
    app_name, *folders, file_name = rest
    if not _is(_app_name, app_name):
        reason = f"'{_shown(app_name)}' cannot be the name of an app{_about(app_name)}; the file may have any name"
        raise UnusableDropError(key, workspace_id, reason)
    if folders:
        reason = "it lies in a folder of the app's folder; several files of an app come as one .zip"
        raise UnusableDropError(key, workspace_id, reason)
    try:
        return Drop(key, workspace_id, app_name, check_file_name(file_name))
    except ValueError as error:
        raise UnusableDropError(key, workspace_id, str(error)) from None


def _about(name: str) -> str:
    """Return which characters of a name are wrong, what may be in one, and one that could be used."""
    unusable, other = unusable_characters(name), suggested(name)
    wrong = f": it has {unusable}" if unusable else ""
    instead = f"; '{other}' could be used" if other is not None else ""
    return f"{wrong} ({_NAMES}{instead})"


def _is(rule: TypeAdapter[str], name: str) -> bool:
    try:
        rule.validate_python(name)
    except ValidationError:
        return False
    return True


def _shown(name: str) -> str:
    """Return a name from a key on one line and not longer than a person reads."""
    printable = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name)
    return printable if len(printable) <= _LONGEST_SHOWN else f"{printable[:_LONGEST_SHOWN]}…"
