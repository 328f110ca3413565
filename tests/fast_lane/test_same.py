"""One app built by the lane and by componentize-py: the same answers, logs and view of the interpreter over HTTP.

Of componentize-py's it is what `full_build` has recorded; `make conformance` builds many apps both ways.
"""

import json

import pytest
from fast_lane.installation import Installation

from tests.fast_lane.conftest import toolchain
from tests.fast_lane.full_build import Served, build, made_from, recorded, serve


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Served, Served]:
    """What both answer."""
    folder = tmp_path_factory.mktemp("fast")
    _, plain = recorded()
    return serve(build(Installation(toolchain()).command, folder), folder), plain


def test_what_was_recorded_is_of_this_probe_and_toolchain() -> None:
    made, _ = recorded()
    assert made == made_from(), "record it anew: python -m tests.fast_lane.full_build"


@pytest.mark.parametrize("moment", ["import", "now"])
def test_the_app_sees_the_same_interpreter(served: tuple[Served, Served], moment: str) -> None:
    fast, plain = (one.view[moment] for one in served)
    assert fast == plain


def test_answers_and_logs_are_the_same(served: tuple[Served, Served]) -> None:
    fast, plain = served
    for path in ("/crash", "/late"):
        assert fast.answers[path] == plain.answers[path] == [500, ""]
    assert fast.log == plain.log
    assert "ValueError: 한글\n" in fast.log[1]


def test_it_has_half_the_bytes(served: tuple[Served, Served]) -> None:
    fast, plain = served
    assert fast.size < 0.55 * plain.size


def test_random_numbers_are_new_in_each_request(served: tuple[Served, Served]) -> None:
    for one in served:
        assert one.answers["/random"] != one.answers["/random again"]


def test_time_at_import_is_the_time_of_the_build(served: tuple[Served, Served]) -> None:
    for one in served:
        assert json.loads(one.answers["/age"][1]) > 0
