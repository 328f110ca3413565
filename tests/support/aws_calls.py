"""What a function asks of AWS: each call of an API, as ``service:Operation``, retries not counted."""

from typing import Any

import pytest
from botocore.client import BaseClient


def noted_calls(patch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which every call of AWS is added from now on, whichever thread it comes from."""
    calls: list[str] = []
    call = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's own, not in its stubs

    def note(self: BaseClient, operation: str, *arguments: Any) -> Any:
        calls.append(f"{self.meta.service_model.service_name}:{operation}")
        return call(self, operation, *arguments)

    patch.setattr(BaseClient, "_make_api_call", note)
    return calls
