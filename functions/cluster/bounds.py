"""The bounds of an autoscaler, as a request or a restored revision names them."""

from dataclasses import asdict, dataclass
from typing import Self

from functions.models.deploy import DeployOptions


@dataclass(frozen=True, slots=True)
class Bounds:
    """The named bounds. None keeps the current value; a new autoscaler gets the platform's default."""

    min_replicas: int | None = None
    max_replicas: int | None = None
    target_cpu: int | None = None

    @classmethod
    def of(cls, request: DeployOptions) -> Self:
        """Take the bounds that ``request`` names."""
        return cls(request.min_replicas, request.max_replicas, request.target_cpu)

    def named(self) -> dict[str, int]:
        """Return the named bounds, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}
