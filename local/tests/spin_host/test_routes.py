"""Spin's route rules."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.spin_host.routes import Route, Router

SEGMENTS = st.text("abc-_~%20.", min_size=1, max_size=5).filter(lambda segment: segment != "...")


def matched(path: str, *patterns: str) -> str | None:
    """The pattern that answers ``path``."""
    found = Router(Route(pattern, pattern) for pattern in patterns).match(path)
    return found.route.pattern if found else None


@pytest.mark.parametrize(
    ("pattern", "path", "rest"),
    [
        ("/...", "/", "/"),
        ("/...", "/a/b", "/a/b"),
        ("/a/...", "/a", ""),
        ("/a/...", "/a/", "/"),
        ("/a/...", "/a/b", "/b"),
        ("/a/...", "/a/b/", "/b/"),
        ("/a/*", "/a/b", "/b"),
        ("/a", "/a", ""),
        ("/a/", "/a", ""),
        ("/a", "/a/", ""),
        ("/", "/", ""),
    ],
)
def test_what_the_wildcard_stands_for(pattern: str, path: str, rest: str) -> None:
    found = Router([Route(pattern, "t")]).match(path)
    assert found is not None
    assert found.rest == rest


@pytest.mark.parametrize(
    ("pattern", "path"),
    [("/a", "/b"), ("/a", "/a/b"), ("/a/...", "/ab"), ("/", "/a"), ("/:id", "/"), ("/:id", "/a/b"), ("/a.b", "/axb")],
)
def test_what_a_route_does_not_cover(pattern: str, path: str) -> None:
    assert matched(path, pattern) is None


@pytest.mark.parametrize(
    ("path", "best"),
    [
        ("/one/two/three", "/one/two/..."),
        ("/one/two", "/one/two"),
        ("/one/x", "/one/:id"),
        ("/one/x/y", "/one/..."),
        ("/other", "/..."),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_the_most_specific_route_wins_in_any_order(path: str, best: str, turned: bool) -> None:
    patterns = ["/...", "/one/...", "/one/two/...", "/one/two", "/one/:id"]
    assert matched(path, *(reversed(patterns) if turned else patterns)) == best


def test_parameters() -> None:
    router = Router([Route("/users/:user/:file.json/...", "t")])
    found = router.match("/users/a%20b/report.json/x")
    assert found is not None
    assert found.parameters == {"user": "a%20b", "file": "report"}
    assert found.route.prefix == "/users/:user/:file.json"


def test_of_equal_routes_the_later_one_wins() -> None:
    found = Router([Route("/a", "first"), Route("/a", "second")]).match("/a")
    assert found is not None
    assert found.route.trigger == "second"


@pytest.mark.parametrize(("pattern", "based"), [("/", ""), ("/x/", "/x"), ("x", "/x"), ("/x/...", "/x/...")])
def test_the_route_below_the_apps_base(pattern: str, based: str) -> None:
    assert Route(pattern, "t").based == based


@settings(deadline=None)
@given(st.lists(SEGMENTS, min_size=1, max_size=4), st.lists(SEGMENTS, max_size=3))
def test_a_wildcard_covers_all_below_it_and_an_exact_route_beats_it(prefix: list[str], below: list[str]) -> None:
    base = "/" + "/".join(prefix)
    path = "/".join([base, *below])
    assert matched(path, f"{base}/...") == f"{base}/..."
    assert matched(path, f"{base}/...", path) == path
