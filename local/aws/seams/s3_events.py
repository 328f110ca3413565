"""S3's events on EventBridge: they name the object's version, and come at least once.

ministack has the version in its notifications to SQS, SNS and Lambda, but not in those to EventBridge; and it has
notifications on their way in memory only.
Reference: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

import contextvars
import datetime
import json
from typing import Any, Final

from ministack.core.responses import _request_account_id
from ministack.services import eventbridge, s3

_version: contextvars.ContextVar[str | None] = contextvars.ContextVar("object_version", default=None)

ON_THEIR_WAY: Final = datetime.timedelta(minutes=15)
"""How old an object may be whose event may not have arrived yet: events wait for a place in their function, and a cloud
that is killed again and again begins with all of them anew."""


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


def announce_last() -> None:
    """Tell once more of the objects that were written last: the process may have ended before it told of them.

    AWS promises each event at least once; who listens has to cope with a second.
    """
    objects = [
        (account, bucket, key, found, datetime.datetime.fromisoformat(found["last_modified"]))
        for (account, bucket), content in list(s3._buckets._data.items())
        for key, found in list(content["objects"].items())
    ]
    newest = max((moment for *_, moment in objects), default=None)
    for account, bucket, key, found, moment in objects:
        if newest is not None and newest - moment < ON_THEIR_WAY:
            token = _request_account_id.set(account)
            try:
                s3._fire_s3_event(
                    bucket,
                    key,
                    "s3:ObjectCreated:Put",
                    found["size"],
                    found["etag"],
                    version_id=found.get("version_id"),
                )
            finally:
                _request_account_id.reset(token)
