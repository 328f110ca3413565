"""What the key of an object below ``uploads/`` says: which source of which app of which workspace, or what is wrong.

Whoever drops a file has no answer to read: a key that cannot be built has to become something that is seen. Where it
names a workspace that is a failed task of the workspace, otherwise an event on the stack's bus.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

from functions.contracts.names import SOURCE_APP_NAME, WORKSPACE_ID, check_file_name

DROPS: Final = "uploads/"
_FORM: Final = "uploads/{workspace_id}/{app_name}/{file}"
_LONGEST_SHOWN: Final = 100


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
    if not WORKSPACE_ID.allows(workspace_id):
        reason = f"'{_shown(workspace_id)}' is no workspace id: {WORKSPACE_ID.refusal(workspace_id)}"
        raise UnusableDropError(key, None, reason)
    if len(rest) == 1:
        raise UnusableDropError(key, workspace_id, "it lies in no app's folder")
    app_name, *folders, file_name = rest
    if not SOURCE_APP_NAME.allows(app_name):
        why = SOURCE_APP_NAME.refusal(app_name)
        reason = f"'{_shown(app_name)}' cannot be the name of an app: {why}; the file may have any name"
        raise UnusableDropError(key, workspace_id, reason)
    if folders:
        reason = "it lies in a folder of the app's folder; several files of an app come as one .zip"
        raise UnusableDropError(key, workspace_id, reason)
    try:
        return Drop(key, workspace_id, app_name, check_file_name(file_name))
    except ValueError as error:
        raise UnusableDropError(key, workspace_id, str(error)) from None


def _shown(name: str) -> str:
    """Return a name from a key on one line and not longer than a person reads."""
    printable = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name)
    return printable if len(printable) <= _LONGEST_SHOWN else f"{printable[:_LONGEST_SHOWN]}…"
