"""Apps: requests made of the published description, at the edges of its schema and beyond."""

from typing import Any

from functions.handlers import deploy as deploy_function
from tests.support.described import Case, bounded, described, hold_to_description
from tests.support.wsgi import wsgi_app
from tests.unit.cluster.conftest import CALLER, Context
from tests.unit.cluster.kubernetes_server import Administrator


def answer(event: dict[str, Any]) -> dict[str, Any]:
    event["requestContext"]["authorizer"] = {"iam": {"userArn": CALLER}}
    answered: dict[str, Any] = deploy_function.handler(event, Context())
    return answered


schema = described(wsgi_app(answer))


@schema.include(tag="Apps").parametrize()  # type: ignore[untyped-decorator]  # schemathesis has no types for it
@bounded
def test_answers_are_as_described(case: Case, kubectl: Administrator) -> None:
    hold_to_description(case)
