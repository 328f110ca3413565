"""Who the push logs in as: the uploader's registry user, or the build role at the stack's own registry."""

import base64
import json
from typing import TYPE_CHECKING

from builder.errors import BuildError
from builder.push.registry import Login
from functions.contracts.image_reference import ecr_registry, registry_host
from functions.contracts.task import credentials_context
from functions.contracts.task_row import BuildOrder

if TYPE_CHECKING:
    from builder.aws import Aws


def login_for(task: BuildOrder, aws: "Aws") -> Login | None:
    """Return the login for a task's repository; None for a registry without a user name (an anonymous push).

    Raises
    ------
    BuildError
        The password cannot be opened any more.
    """
    if task.registry_credentials is not None:
        return _opened(task, task.registry_credentials, aws)
    if ecr_registry(registry_host(task.image_repository)):
        return _of_build_role(aws)
    return None


def _opened(task: BuildOrder, sealed: bytes, aws: "Aws") -> Login:
    try:
        answer = aws.kms.decrypt(CiphertextBlob=sealed, EncryptionContext=credentials_context(task.task_id))
    except aws.kms.exceptions.InvalidCiphertextException:
        raise BuildError(
            "The registry password does not belong to this task. Send username and password again."
        ) from None
    pair = json.loads(answer["Plaintext"])
    return Login(pair["username"], pair["password"])


def _of_build_role(aws: "Aws") -> Login:
    # base64("AWS:<password>"), for every repository that the role may push to.
    token = aws.ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    username, _, password = base64.b64decode(token).decode().partition(":")
    return Login(username, password, of_the_platform=True)
