"""Points in time as rows, answers and events have them."""

import datetime


def utc_now() -> datetime.datetime:
    """Now, with its time zone."""
    return datetime.datetime.now(datetime.UTC)


def timestamp(moment: datetime.datetime) -> str:
    """ISO 8601 in UTC with milliseconds and ``Z``."""
    return moment.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
