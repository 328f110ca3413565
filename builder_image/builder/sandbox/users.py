"""Which user a sandboxed step runs as: a number of its own, so that steps cannot see, stop or trace each other.

Users are numbers only; nothing has to be in /etc/passwd. Several builds can share one machine: a lock file per user,
held as long as the step's user is in use, keeps them apart.
"""

import fcntl
import os
import pwd
import time
from pathlib import Path
from typing import Final, Self

from builder.sandbox.processes import kill_user

USERS: Final = 64
"""Consecutive uids, from the configured one on, that belong to sandboxes."""


class SandboxUser:
    """A user id that nobody else uses until `release`; ``uid`` None when the builder itself is not root.

    Without root there is no second user to be had: the step then runs as the builder's own user, with its limits but
    able to see what that user can see. CodeBuild containers and the one-machine cloud run as root.
    """

    def __init__(self, uid: int | None, lock: int | None) -> None:
        self.uid = uid
        self._lock = lock

    @classmethod
    def take(cls, first: str, lock_dir: Path) -> Self:
        """Take the first free user of the range that starts at ``first`` (a name or a number)."""
        if os.geteuid() != 0:
            return cls(None, None)
        base = int(first) if first.isdecimal() else pwd.getpwnam(first).pw_uid
        if base == 0:
            raise ValueError("BLUE_FAAS_BUILD_USER must not be root")
        lock_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            for uid in range(base, base + USERS):
                lock = os.open(lock_dir / str(uid), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(lock)
                    continue
                # A build that was killed may have left processes behind.
                kill_user(uid)
                return cls(uid, lock)
            time.sleep(0.1)

    def own(self, folder: Path) -> None:
        """Give ``folder`` and all that is in it to this user, and close it to everyone else."""
        folder.chmod(0o700)
        if self.uid is None:
            return
        for parent, folders, files in os.walk(folder):
            for name in (*folders, *files):
                os.chown(Path(parent, name), self.uid, self.uid, follow_symlinks=False)
        os.chown(folder, self.uid, self.uid)

    def release(self) -> None:
        """Let others have this user; nothing must run as it any more."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
