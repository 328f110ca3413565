"""Concurrent executions: each function has its own, and callers who wait leave some of theirs to others."""

from typing import Any

from infra.settings import Settings
from local.cloud.assembly import OVERRIDES
from tests.infra.conftest import ANOTHER, synthesis
from tests.infra.reading import resources

LAMBDA_KEEPS = 100
"""Executions that Lambda lets nobody reserve."""
DEFAULT_QUOTA = 1000


def reservations(template: dict[str, Any]) -> dict[str, int | None]:
    """Handler's module to what is reserved for its function."""
    functions = resources(template, "AWS::Lambda::Function").values()
    return {each["Handler"].split(".")[-2]: each.get("ReservedConcurrentExecutions") for each in functions}


def test_every_function_has_its_own(template: dict[str, Any]) -> None:
    concurrency = Settings.from_file({}).concurrency
    assert concurrency is not None
    assert reservations(template) == concurrency.model_dump()


def test_they_fit_into_an_account_with_the_default_quota_twice(template: dict[str, Any]) -> None:
    """An account may hold a second installation, for trying things."""
    total = sum(each or 0 for each in reservations(template).values())
    assert 2 * total + LAMBDA_KEEPS <= DEFAULT_QUOTA


def test_a_new_account_may_reserve_none() -> None:
    template = synthesis(**ANOTHER).template
    assert set(reservations(template).values()) == {None}


def test_the_one_machine_has_less_of_everything_and_reserves_for_the_same_functions(template: dict[str, Any]) -> None:
    here = reservations(synthesis(**OVERRIDES).template)
    assert here.keys() == reservations(template).keys()
    assert all((here[module] or 0) <= (most or 0) for module, most in reservations(template).items())
