"""The page at /ui in a real browser, from a file to a rollback: by mouse, and by keyboard alone at 360 pixels."""

import pytest

from tests.support.client import Client
from tests.ui.tools import journey, needs_browser


@needs_browser
@pytest.mark.parametrize("name", ["mouse", "keyboard"])
def test_the_whole_way(cloud: Client, name: str) -> None:
    journey(name, cloud.url)
