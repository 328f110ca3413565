"""Models of what was measured of an app's requests."""

from pydantic import BaseModel, Field

from functions.models.apps import Replicas
from functions.models.values import Moment


class AppMetricsPoint(BaseModel):
    """What was measured of an app within one period."""

    start: Moment = Field(description="Begin of the period (ISO 8601, UTC).")
    requests: int = Field(description="Requests that ended in the period.", examples=[120])
    errors: int = Field(description="Requests that ended with a status from 500 on.", examples=[2])
    latency_p50_ms: float | None = Field(
        description="Milliseconds within which half of the requests were answered; null if it is not known.",
        examples=[3.5],
    )
    latency_p99_ms: float | None = Field(
        description="Milliseconds within which 99 of 100 requests were answered; null if it is not known.",
        examples=[41.0],
    )


class AppMetrics(BaseModel):
    """Requests, errors and latency of an app in the last minutes, and its replicas and restarts as they are now."""

    app_name: str = Field(description="Name of the app.", examples=["my-function"])
    namespace: str = Field(description="Kubernetes namespace of the app.", examples=["default"])
    measured: bool = Field(description="Whether the app's requests are measured; if not, `note` says what to do.")
    note: str | None = Field(
        description="Reason why there are no requests to show; null if there are some.",
        examples=[None],
    )
    start: Moment = Field(description="Begin of the time that the answer is about (ISO 8601, UTC).")
    end: Moment = Field(description="End of the time that the answer is about; the last period goes on.")
    period: int = Field(description="Seconds of a period.", examples=[300])
    requests: int | None = Field(description="Requests in all periods; null if nothing was measured.", examples=[1440])
    errors: int | None = Field(
        description="Requests that ended with a status from 500 on; null if nothing was measured.", examples=[2]
    )
    latency_average_ms: float | None = Field(
        description="Milliseconds until an answer on average; null if nothing was measured.", examples=[5.25]
    )
    points: list[AppMetricsPoint] = Field(
        description="The periods with requests, oldest first. Periods without requests are left out."
    )
    replicas: Replicas = Field(description="Replicas and restarts of the app as they are now.")
