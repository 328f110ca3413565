"""What a deploy request may look like: every rule on both of its sides."""

import re
import string
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from functions.cluster import generated_names
from functions.contracts.image_reference import image_repository
from functions.models.deploy import LONGEST_APP_NAME, MOST_REPLICAS, Cpu, DeployRequest
from functions.models.quantity import amount

HOST = "217350599014.dkr.ecr.ap-northeast-2.amazonaws.com"
IMAGE = f"{HOST}/blue-final-faas-app:a1b2c3d4"
DIGEST = "sha256:" + "0f" * 32


def request(**fields: Any) -> DeployRequest:
    return DeployRequest.model_validate({"namespace": "default", "image_ref": IMAGE, **fields})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("namespace", "a" * 63),
        ("namespace", "0-9"),
        ("app_name", "a" * LONGEST_APP_NAME),
        ("app_name", "my-function"),
        ("image_ref", f"{HOST}/app:v1"),
        ("image_ref", f"{HOST}/team/app@{DIGEST}"),
        ("image_ref", f"localhost:5000/app:v1@{DIGEST}"),
        ("image_ref", "localhost/app:v1"),
        ("image_ref", f"{HOST}/app:" + "t" * 128),
        ("function_id", "fn-my-function-001"),
        ("function_id", "A" * 63),
        ("function_id", None),
        ("service_account", "runner.prod"),
        ("service_account", None),
        ("cpu_limit", "500m"),
        ("cpu_limit", "0.5"),
        ("cpu_limit", None),
        ("memory_limit", "128Mi"),
        ("memory_limit", "1e9"),
        ("cpu_request", "1"),
        ("memory_request", "64M"),
        ("memory_limit", "1Mi"),
        ("memory_limit", "1048576"),
        ("min_replicas", 1),
        ("max_replicas", MOST_REPLICAS),
        ("target_cpu", 80),
        ("variables", {"greeting": "hello", "api_token": {"secret": "tokens", "key": "api"}, "old": None}),
        ("image_pull_secret", "registry"),
        ("runtime_config", "spin-config"),
        ("wait", True),
    ],
)
def test_accepted(field: str, value: object) -> None:
    request(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("namespace", "a" * 64),
        ("namespace", ""),
        ("namespace", "Default"),
        ("namespace", "default\n"),
        ("namespace", "-a"),
        ("namespace", "a.b"),
        ("namespace", None),
        ("app_name", "a" * (LONGEST_APP_NAME + 1)),
        ("app_name", "1a"),
        ("app_name", "a_b"),
        ("app_name", "a-"),
        ("app_name", "../x"),
        ("image_ref", "nginx:1"),
        ("image_ref", "team/app:1"),
        ("image_ref", f"{HOST}/app"),
        ("image_ref", f"{HOST}/app:"),
        ("image_ref", f"{HOST}/app:" + "t" * 129),
        ("image_ref", f"{HOST}/App:1"),
        ("image_ref", f"https://{HOST}/app:1"),
        ("image_ref", f"{HOST}/app@sha256:abc"),
        ("image_ref", f"{HOST}/app:1@"),
        ("image_ref", f"{HOST}:app"),
        ("image_ref", f"{HOST}/app:1 "),
        ("image_ref", 7),
        ("function_id", "a" * 64),
        ("function_id", "with space"),
        ("function_id", "-a"),
        ("enable_autoscaling", "true"),
        ("enable_autoscaling", 1),
        ("use_spot", "no"),
        ("replicas", "2"),
        ("replicas", True),
        ("service_account", "Runner"),
        ("service_account", "a..b"),
        ("cpu_limit", "0"),
        ("cpu_limit", "-1"),
        ("cpu_limit", "half"),
        ("cpu_limit", 0.5),
        ("memory_limit", "128 Mi"),
        ("memory_limit", "128mb"),
        ("memory_limit", "1023Ki"),
        ("memory_request", "1000k"),
        ("min_replicas", 0),
        ("max_replicas", MOST_REPLICAS + 1),
        ("target_cpu", 0),
        ("variables", {"UPPER": "x"}),
        ("variables", {"a": 1}),
        ("variables", {"a": {"secret": "s"}}),
        ("variables", {"a": {"secret": "s", "key": "k", "more": 1}}),
        ("image_pull_secret", "a/b"),
        ("wait", "yes"),
        ("imageref", IMAGE),
    ],
)
def test_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        request(**{field: value})


OPTIONAL = [name for name, field in DeployRequest.model_fields.items() if not field.is_required()]


@pytest.mark.parametrize("field", OPTIONAL)
@pytest.mark.parametrize("blank", [None, ""])
def test_blank_counts_as_left_out(field: str, blank: str | None) -> None:
    given = request(**{field: blank})
    assert given == request()
    assert not given.mentions(field)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("app_name", "My_App", "use lower-case letters, digits and '-'"),
        ("namespace", "Default", "use lower-case letters"),
        ("function_id", "한글", "a Kubernetes label value"),
        ("service_account", "a..b", "'.' between such parts"),
        ("variables", {"UPPER": "x"}, "with '_' between them"),
    ],
)
def test_a_wrong_name_is_told_in_words(field: str, value: object, says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        request(**{field: value})
    text = str(caught.value)
    assert says in text
    assert "pattern" not in text


@pytest.mark.parametrize("replicas", [1, MOST_REPLICAS])
def test_replicas_with_autoscaling_off(replicas: int) -> None:
    assert request(enable_autoscaling=False, replicas=replicas).replicas == replicas


@pytest.mark.parametrize("replicas", [0, -1, MOST_REPLICAS + 1])
def test_replicas_out_of_bounds(replicas: int) -> None:
    with pytest.raises(ValidationError):
        request(enable_autoscaling=False, replicas=replicas)


@pytest.mark.parametrize(
    "fields",
    [
        {"enable_autoscaling": True, "replicas": 2},
        {"enable_autoscaling": False, "min_replicas": 2},
        {"enable_autoscaling": False, "max_replicas": 2},
        {"enable_autoscaling": False, "target_cpu": 60},
        {"min_replicas": 3, "max_replicas": 2},
        {"cpu_request": "501m", "cpu_limit": "0.5"},
        {"memory_request": "129Mi", "memory_limit": "128Mi"},
    ],
)
def test_contradictions(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        request(**fields)


def test_equal_bounds_are_no_contradiction() -> None:
    request(min_replicas=2, max_replicas=2, cpu_request="500m", cpu_limit="0.5")


def test_null_says_nothing() -> None:
    assert not request(function_id=None).mentions("function_id")
    assert request(use_spot=True).mentions("use_spot")
    assert not request().mentions("use_spot")


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        (IMAGE, f"{HOST}/blue-final-faas-app"),
        (f"localhost:5000/app@{DIGEST}", "localhost:5000/app"),
        (f"localhost:5000/app:1@{DIGEST}", "localhost:5000/app"),
    ],
)
def test_repository_of_an_image(image: str, repository: str) -> None:
    assert image_repository(image) == repository


@given(st.text(alphabet=string.ascii_letters + string.digits + "./:@-_", max_size=80))
def test_any_accepted_image_is_a_repository_with_a_version(text: str) -> None:
    try:
        image = request(image_ref=text).image_ref
    except ValidationError:
        return
    repository = image_repository(image)
    assert "/" in repository
    assert "@" not in repository
    assert len(image) > len(repository) + 1
    assert image.startswith(repository)


@pytest.mark.parametrize(
    ("quantity", "value"),
    [
        ("1", "1"),
        ("500m", "0.5"),
        ("0.1", "0.1"),
        (".5", "0.5"),
        ("100n", "1e-7"),
        ("1k", "1000"),
        ("1Ki", "1024"),
        ("128Mi", "134217728"),
        ("1.5Gi", "1610612736"),
        ("2E", "2e18"),
        ("1e3", "1000"),
        ("1E-1", "0.1"),
    ],
)
def test_quantities(quantity: str, value: str) -> None:
    assert amount(quantity) == Decimal(value)


@given(st.text(max_size=20))
def test_a_quantity_is_read_or_refused(text: str) -> None:
    try:
        assert TypeAdapter(Cpu).validate_python(text) == text
    except ValueError:
        return
    assert amount(text) > 0


@given(st.integers(min_value=1, max_value=10**9), st.sampled_from(["k", "M", "G"]))
def test_binary_suffixes_are_larger_than_decimal_ones(number: int, suffix: str) -> None:
    assert amount(f"{number}{suffix.upper()}i") > amount(f"{number}{suffix}")


def test_generated_names_are_valid_app_names() -> None:
    longest = f"spin-{max(generated_names.ADJECTIVES, key=len)}-{max(generated_names.NOUNS, key=len)}-9999"
    request(app_name=longest)
    for name in {generated_names.generate() for _ in range(50)}:
        request(app_name=name)
        prefix, adjective, noun, number = name.split("-")
        assert (prefix, len(number), number.isdigit()) == ("spin", 4, True)
        assert adjective in generated_names.ADJECTIVES
        assert noun in generated_names.NOUNS


def test_word_lists_hold_no_word_twice() -> None:
    assert len(set(generated_names.ADJECTIVES)) == len(generated_names.ADJECTIVES)
    assert len(set(generated_names.NOUNS)) == len(generated_names.NOUNS)


@pytest.mark.parametrize(("slip", "meant"), [("100m", "100Mi"), ("0.5", "0.5Mi"), ("1", "1Mi"), ("128", "128Mi")])
@pytest.mark.parametrize("field", ["memory_limit", "memory_request"])
def test_memory_without_its_unit(field: str, slip: str, meant: str) -> None:
    """Kubernetes takes them, as parts of a byte or a few of them, and no container starts."""
    with pytest.raises(ValidationError, match=re.escape(f"write {meant} for MiB")):
        DeployRequest.model_validate({"namespace": "default", "image_ref": IMAGE, field: slip})
