"""The process environment that ministack runs under, and that its Lambda functions inherit.

ministack is configured by environment variables only, most of them read while its modules load: this runs before
the first import of ministack. Variables of the shell that started us are dropped, because every Lambda function
would inherit them and work here for a reason that AWS does not have.
"""

import os
import secrets
import shutil
from typing import Final

from local.aws.settings import Settings

KEPT: Final = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "SSL_CERT_FILE", "LOG_LEVEL")
"""What is passed on from the shell that started the one-machine cloud."""

FOLDERS: Final = {"codebuild": 0o755, "tmp": 0o700, "services": 0o700, "s3": 0o700}
"""Folders of the state folder, and their modes."""

KEPT_FOLDERS: Final = ("services", "s3")
"""What there is of state; the rest is work in progress."""

LAMBDA_CONCURRENCY: Final = "1000"
"""Concurrent executions of the account: AWS's default. How many there are at once is for the functions' reservations to
say (`local.aws.seams.concurrency`)."""


def ministack_environment(settings: Settings) -> dict[str, str]:
    """All variables for the process, ministack's own settings included."""
    tmp = settings.state_dir / "tmp"
    inherited = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {
        "LOG_LEVEL": "WARNING",
        **inherited,
        "TZ": "UTC",  # as in Lambda
        "GATEWAY_PORT": str(settings.port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_REGION": settings.region,
        "MINISTACK_ACCOUNT_ID": settings.account,
        # ministack's root user, who may do everything: nobody has this key (see `local.aws.seams.iam`).
        "AWS_ACCESS_KEY_ID": "AKIA" + secrets.token_hex(8).upper(),
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
        "AUTH": "true",
        # The AWS SDKs look for credentials and settings in files, and for instance metadata: nothing of the sort here.
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "TMPDIR": str(tmp),
        "STATE_DIR": str(settings.state_dir / "services"),
        "S3_DATA_DIR": str(settings.state_dir / "s3"),
        "PERSIST_STATE": "1" if settings.keep_state else "0",
        # Objects are in files rather than in memory, whether or not they are kept: each build leaves 20 MB.
        "S3_PERSIST": "1",
        "LAMBDA_EXECUTOR": "local",
        "LAMBDA_ACCOUNT_CONCURRENCY": LAMBDA_CONCURRENCY,
        # Never a container: no socket at this address, so ministack does not even import its docker client.
        "DOCKER_HOST": f"unix://{tmp}/no-docker.sock",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }


def apply(settings: Settings) -> None:
    """Make the folders (empty ones, unless the state is to be kept) and replace this process's environment.

    The state folder is made traversable: the builder drops to unprivileged users that work in a build's folder.
    """
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    settings.state_dir.chmod(0o755)
    for name, mode in FOLDERS.items():
        folder = settings.state_dir / name
        if name not in KEPT_FOLDERS or not settings.keep_state:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)
        folder.chmod(mode)
    variables = ministack_environment(settings)
    os.environ.clear()
    os.environ.update(variables)
