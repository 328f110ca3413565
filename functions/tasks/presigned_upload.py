"""The presigned upload that a task has been waiting for is there (POST /api/v1/uploads): its build starts.

S3 has held the upload to the size and checksum that were signed; what it recorded of them is compared once more.
Delivering the event again repeats harmless steps: the task stops being one that waits only when its execution has been
started.
"""

from functions.contracts.task import TaskKey, TaskStatus
from functions.tasks.code_bucket import ObjectVersion
from functions.tasks.submission import Submissions
from functions.telemetry import logger


def start_build(submissions: Submissions, task: TaskKey, upload: ObjectVersion, sha256: str | None) -> bool:
    """Start the build of a presigned upload that has arrived; False when no task waits for it.

    Parameters
    ----------
    submissions
        Starts builds.
    task
        The task that the upload's key names.
    upload
        The upload.
    sha256
        S3's checksum of it, base64.
    """
    row = submissions.tasks.get(task)
    if row is None or row.status != TaskStatus.PENDING or row.upload_sha256 is None:
        logger.info("no task waits for this upload", key=upload.key)
        return False
    if sha256 != row.upload_sha256:
        logger.warning("the upload is not the one that was signed", key=upload.key)
        reason = "The SHA-256 of the uploaded file is not that of the request. Request a new upload for it."
        submissions.outcomes.fail(task, reason)
        return False
    submissions.bucket.copy(upload, row.source_key)
    submissions.start(row)
    submissions.tasks.upload_arrived(task)
    logger.info("presigned upload arrived", extra=task.fields())
    return True
