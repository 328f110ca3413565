"""Signing in with AWS: credentials that work, after `aws sso login` where the profile needs it.

botocore reads what the AWS CLI has signed in, and has no sign-in of its own. Profiles that need one were made with the
AWS CLI, so that is there.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import TypeVar

from blue_faas_cli.signing import AwsSignInError

Answer = TypeVar("Answer")


def signed_in(ask: Callable[[], Answer], say: Callable[[str], None]) -> Answer:
    """Ask AWS something; sign in, and ask again, where the user has to sign in first.

    Raises
    ------
    BlueError
        There are no credentials, or AWS refuses.
    """
    try:
        return ask()
    except AwsSignInError as error:
        program = shutil.which(error.command[0])
        if program is None:
            raise
        say(f"Running {' '.join(error.command)}")
        # What it prints is for the user; the result on stdout is ours.
        subprocess.run([program, *error.command[1:]], stdout=sys.stderr, check=False)
        return ask()
