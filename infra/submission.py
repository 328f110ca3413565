"""What the two functions that take sources in (API and S3 trigger) have in common."""

import json

from infra.settings import Settings
from infra.storage import Storage


def submission_environment(settings: Settings, storage: Storage, state_machine_arn: str) -> dict[str, str]:
    """Environment variables that `functions.tasks.environment` reads."""
    return {
        "TASK_TABLE": storage.task_table.table_name,
        "CODE_BUCKET": storage.code_bucket.bucket_name,
        "STATE_MACHINE_ARN": state_machine_arn,
        "CREDENTIALS_KEY_ID": storage.credentials_key.key_arn,
        "DEFAULT_IMAGE_REPOSITORY": storage.repository.repository_uri,
        "REGISTRY_ALLOW_LIST": json.dumps(settings.registry_allow_list),
        "MAX_UPLOAD_BYTES": str(settings.limits.request_bytes),
        "TASK_RETENTION_DAYS": str(settings.storage.task_retention_days),
    }
