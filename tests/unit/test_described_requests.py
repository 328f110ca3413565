"""Builds, tasks and workspaces: requests made of the published description, at the edges of its schema and beyond."""

from tests.support.aws_account import Account
from tests.support.build_api import of_function
from tests.support.described import Case, bounded, described, hold_to_description
from tests.support.wsgi import wsgi_app

schema = described(wsgi_app(of_function))


@schema.exclude(tag="Apps").parametrize()  # type: ignore[untyped-decorator]  # schemathesis has no types for it
@bounded
def test_answers_are_as_described(case: Case, account: Account) -> None:
    account.reset()
    hold_to_description(case)
