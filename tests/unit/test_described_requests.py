"""Builds, tasks and workspaces: requests made of the published description, at the edges of its schema and beyond."""

from functions.handlers import builds
from tests.support.aws_account import Account
from tests.support.described import Case, bounded, described, hold_to_description
from tests.support.events import LambdaContext
from tests.support.wsgi import wsgi_app

schema = described(wsgi_app(lambda event: builds.handler(event, LambdaContext())))


@schema.exclude(tag="Apps").parametrize()  # type: ignore[untyped-decorator]  # schemathesis has no types for it
@bounded
def test_answers_are_as_described(case: Case, account: Account) -> None:
    account.reset()
    hold_to_description(case)
