"""Where an app's key-value data lives: one folder per Deployment, as long as the Deployment exists.

It survives updates and restarts, and goes when the app is deleted: what a volume with reclaim policy Delete does. The
folder's name is the Deployment's uid, so an app of the same name made later starts empty.
"""

import shutil
from collections import Counter
from pathlib import Path


class VolumeFolder:
    """Folders by owner uid, counted by the pods that use them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._users: Counter[str] = Counter()
        self._doomed: set[str] = set()

    def take(self, owner: str) -> Path:
        """Take the folder of an owner, for one more pod."""
        self._users[owner] += 1
        folder = self._root / owner
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def give_back(self, owner: str) -> None:
        """One pod less."""
        self._users[owner] -= 1
        self._remove_if_unused(owner)

    def owner_deleted(self, owner: str) -> None:
        """Remove an owner's folder, at once or when its last pod has ended."""
        self._doomed.add(owner)
        self._remove_if_unused(owner)

    def keep_only(self, owners: set[str]) -> None:
        """Remove the folders of owners that went away while nobody looked."""
        for folder in self._root.glob("*"):
            if folder.name not in owners and self._users[folder.name] <= 0:
                shutil.rmtree(folder, ignore_errors=True)

    def _remove_if_unused(self, owner: str) -> None:
        if owner in self._doomed and self._users[owner] <= 0:
            self._doomed.discard(owner)
            del self._users[owner]
            shutil.rmtree(self._root / owner, ignore_errors=True)
