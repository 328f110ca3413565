"""S3's events on EventBridge name the object's version, as they do on AWS when the bucket has versioning.

ministack has the version in its notifications to SQS, SNS and Lambda, but not in those to EventBridge.
Reference: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

import contextvars
import json
from typing import Any

from ministack.services import eventbridge, s3

_version: contextvars.ContextVar[str | None] = contextvars.ContextVar("object_version", default=None)


def install() -> None:
    """Add ``detail.object.version-id``."""
    fire, dispatch = s3._fire_s3_event, eventbridge._dispatch_event

    def fire_s3_event(*arguments: Any, version_id: str | None = None, **options: Any) -> None:
        token = _version.set(version_id)
        try:
            fire(*arguments, version_id=version_id, **options)
        finally:
            _version.reset(token)

    def dispatch_event(event: dict[str, Any], *arguments: Any, **options: Any) -> Any:
        version = _version.get()
        if version is not None and event.get("Source") == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version
            event = {**event, "Detail": json.dumps(detail)}
        return dispatch(event, *arguments, **options)

    s3._fire_s3_event = fire_s3_event
    eventbridge._dispatch_event = dispatch_event
