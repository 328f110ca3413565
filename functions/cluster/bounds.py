"""How far an autoscaler may go: what a request (or a revision gone back to) says of it."""

from dataclasses import asdict, dataclass
from typing import Self

from functions.models.deploy import DeployOptions


@dataclass(frozen=True, slots=True)
class Bounds:
    """Named values only; None leaves one as it is, or to the platform's default for a new autoscaler."""

    min_replicas: int | None = None
    max_replicas: int | None = None
    target_cpu: int | None = None

    @classmethod
    def of(cls, request: DeployOptions) -> Self:
        """What ``request`` names."""
        return cls(request.min_replicas, request.max_replicas, request.target_cpu)

    def named(self) -> dict[str, int]:
        """Name to value, without what is not named."""
        return {name: value for name, value in asdict(self).items() if value is not None}
